"""What a scenario says, as frozen values: how to boot, what must be proven, what is switched on in the twin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

PROOF_NAMES: Final[tuple[str, ...]] = (
    "settings_wired",
    "presence_reported",
    "registered",
    "online",
    "tool_listed",
    "workspace_created",
    "agent_acted",
    "torn_down",
)
"""The proofs a scenario may demand, in the order of a run."""

TARGET_NAMES: Final[tuple[str, ...]] = ("local", "docker", "staging")
LIVE_TARGETS: Final[frozenset[str]] = frozenset({"staging"})
"""The targets that are the platform itself; the others are embedded."""

DEFAULT_WITHIN_SECONDS: Final = 900.0
DEFAULT_HOLD_SECONDS: Final = 240.0
"""The longest known grace of the online gate (180 s) plus two heartbeats of 30 s (docs/platform.md, registry)."""

DEFAULT_FORBIDDEN_STANDING: Final[tuple[str, ...]] = ("reason=platform_agent_", "RCA #2970 FAIL-CLOSED", "(core#3082)")
"""The texts with which the registry refuses a concierge (docs/platform.md, registry log)."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What a fresh concierge is booted from; ``image`` is ``pinned`` or ``REF@sha256:<64 hex>``."""

    template: str = "claude-code"
    image: str = "pinned"

    @property
    def digest(self) -> str | None:
        """The demanded digest (``sha256:…``), or None where the platform's pin decides."""
        return None if self.image == "pinned" else self.image.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class OnlineRules:
    """How long the concierge may take to come online, and how long it must stay (platform seconds)."""

    within_seconds: float = DEFAULT_WITHIN_SECONDS
    hold_seconds: float = DEFAULT_HOLD_SECONDS


@dataclass(frozen=True, slots=True)
class RegistryLogRules:
    """Texts of the registry log that must not stand at the end."""

    forbid_standing: tuple[str, ...] = DEFAULT_FORBIDDEN_STANDING


@dataclass(frozen=True, slots=True)
class FaultOption:
    """One fault to switch on; its parameters ``begin`` and ``heal`` are platform seconds since the twin's start."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def argument(self) -> str:
        """The value of ``--fault``: ``NAME[:KEY=VALUE,…]``."""
        pairs = ",".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}:{pairs}" if pairs else self.name


@dataclass(frozen=True, slots=True)
class TwinOptions:
    """How the embedded staging is started for this scenario."""

    image: str | None = None
    gate: str | None = None
    faults: tuple[FaultOption, ...] = ()
    seed: int | None = None
    light_mcp: bool = False

    def arguments(self) -> list[str]:
        """Return the flags of ``twin serve`` that say the same."""
        arguments: list[str] = []
        if self.image is not None:
            arguments += ["--image", self.image]
        if self.gate is not None:
            arguments += ["--gate", self.gate]
        for fault in self.faults:
            arguments += ["--fault", fault.argument]
        if self.seed is not None:
            arguments += ["--seed", str(self.seed)]
        if self.light_mcp:
            arguments.append("--light-mcp")
        return arguments


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a red proof must be reported as; class and cause are None only for ``proven``."""

    outcome: str
    cause_class: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario file."""

    name: str
    summary: str
    targets: tuple[str, ...]
    path: Path
    boot: Boot = Boot()
    prove: tuple[str, ...] = PROOF_NAMES
    online: OnlineRules = OnlineRules()
    registry_log: RegistryLogRules = RegistryLogRules()
    twin: TwinOptions | None = None
    expect: Expectation | None = None
    exact: frozenset[str] = frozenset()

    @property
    def demanded(self) -> tuple[str, ...]:
        """Every proof that is demanded: those of ``prove``, and the image's where a digest is named."""
        return ("image_running", *self.prove) if self.boot.digest is not None else self.prove

    @property
    def is_red_proof(self) -> bool:
        """True if the scenario is met by a particular failure instead of by proof."""
        return self.expect is not None and self.expect.outcome != "proven"
