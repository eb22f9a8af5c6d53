"""Named misbehaviours of the twin: what there is, when each is on, and the trace that it acted.

A fault is asked for on the command line of ``twin serve`` (``NAME[:begin=SECONDS,heal=SECONDS]``), travels to the child
processes as JSON, and is looked up where it acts by :meth:`FaultSwitch.acts`. Times are platform seconds since the twin
started.
"""

import difflib
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class FaultError(Exception):
    """A fault that does not exist or is written wrongly. The message is one line for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One thing that can go wrong. ``image`` is set where the fault is an image that a fresh concierge gets."""

    name: str
    does: str
    image: str | None = None


CATALOGUE: tuple[FaultKind, ...] = (
    FaultKind(
        "runtime-ignores-plugin-mcp",
        "the bug of 2026-06-19: the concierge's runtime looks only for the retired binary, never at settings.json",
        image="claude-code-before-fix",
    ),
    FaultKind(
        "mcp-not-delivered",
        "the provision hook cannot declare the management plugin, so that nothing wires the MCP server (F-02)",
    ),
    FaultKind("create-workspace-no-row", "POST /workspaces answers 201 but the row is lost"),
)
"""All faults of this twin. A fault that is not listed here does not exist."""

_SCHEDULE_KEYS = ("begin", "heal")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a plan, on from ``begin`` until ``heal`` (platform seconds; None: never heals)."""

    name: str
    begin: float = 0.0
    heal: float | None = None

    def is_on(self, age: float) -> bool:
        """Say whether the fault is on when the twin is ``age`` platform seconds old."""
        return age >= self.begin and (self.heal is None or age < self.heal)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults of one twin, with what a child process needs to follow the same schedule.

    ``started`` is the monotonic clock of the machine in wall seconds, which all its processes share.
    """

    faults: tuple[Fault, ...]
    started: float
    speed: float
    trace: str

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object for a child process."""
        return {
            "faults": [{"name": fault.name, "begin": fault.begin, "heal": fault.heal} for fault in self.faults],
            "started": self.started,
            "speed": self.speed,
            "trace": self.trace,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "FaultPlan":
        """Read what :meth:`to_json` wrote."""
        faults = tuple(Fault(entry["name"], entry["begin"], entry["heal"]) for entry in document["faults"])
        return cls(faults, document["started"], document["speed"], document["trace"])


class FaultSwitch:
    """Asked at the place where a fault acts; writes down that it did."""

    def __init__(self, plan: FaultPlan, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._monotonic = monotonic

    def acts(self, name: str, where: str) -> bool:
        """Say whether fault ``name`` is on now; if it is, the trace gets a line that it acted at ``where``."""
        age = (self._monotonic() - self._plan.started) * self._plan.speed
        if not any(fault.name == name and fault.is_on(age) for fault in self._plan.faults):
            return False
        line = json.dumps({"fault": name, "where": where, "age": round(age, 3), "pid": os.getpid()})
        with Path(self._plan.trace).open("a", encoding="utf-8") as trace:
            trace.write(line + "\n")
        return True


def kind_of(name: str) -> FaultKind:
    """Return the catalogue's entry for ``name``.

    Raises:
        FaultError: there is no such fault; the message offers the nearest names.
    """
    for kind in CATALOGUE:
        if kind.name == name:
            return kind
    near = difflib.get_close_matches(name, [kind.name for kind in CATALOGUE], n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(kind.name for kind in CATALOGUE)}"
    raise FaultError(f"unknown fault {name!r}{hint}")


def parse_fault(text: str) -> Fault:
    """Read ``NAME[:begin=SECONDS,heal=SECONDS]`` (platform seconds).

    Raises:
        FaultError: unknown name or key, a time that is not one, or a fault that heals before it begins.
    """
    name, _, options = text.partition(":")
    kind = kind_of(name)
    schedule = {"begin": 0.0, "heal": math.inf}
    for option in options.split(",") if options else ():
        key, separator, value = option.partition("=")
        if key not in _SCHEDULE_KEYS or not separator:
            raise FaultError(f"fault {name}: {option!r} is not one of begin=SECONDS, heal=SECONDS")
        if kind.image is not None:
            raise FaultError(f"fault {name} is an image and cannot begin or heal later")
        schedule[key] = _seconds(name, key, value)
    if schedule["heal"] <= schedule["begin"]:
        raise FaultError(f"fault {name}: heal must come after begin")
    return Fault(name, schedule["begin"], None if math.isinf(schedule["heal"]) else schedule["heal"])


def image_of(faults: Sequence[Fault], image: str | None) -> str | None:
    """Return the image that the faults or the ``--image`` flag demand, or None for the default one.

    Raises:
        FaultError: two different images are demanded.
    """
    demanded = {kind.image for kind in (kind_of(fault.name) for fault in faults) if kind.image is not None}
    if image is not None:
        demanded.add(image)
    if len(demanded) > 1:
        raise FaultError(f"one twin pins one image, but these are asked for: {', '.join(sorted(demanded))}")
    return next(iter(demanded), None)


def _seconds(name: str, key: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise FaultError(f"fault {name}: {key}={value!r} is not a number of platform seconds")
    return seconds
