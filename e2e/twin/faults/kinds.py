"""What a fault is: its name, what it does, and what may be said about it on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One thing that can go wrong.

    ``image`` or ``gate`` is set where the fault is an image that a fresh concierge gets, or a version of the gate.
    ``parameters`` are the keys besides ``begin`` and ``heal`` that the fault understands, with their defaults; all are
    numbers.
    """

    name: str
    does: str
    image: str | None = None
    gate: str | None = None
    parameters: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
