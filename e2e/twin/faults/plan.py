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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.twin.faults.catalogue import CATALOGUE
from e2e.twin.faults.kinds import FaultKind


class FaultError(Exception):
    """A fault that does not exist or is written wrongly. The message is one line for the person who wrote it."""


_SCHEDULE_KEYS = ("begin", "heal")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a plan, on from ``begin`` until ``heal`` (platform seconds; None: never heals)."""

    name: str
    begin: float = 0.0
    heal: float | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)

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
            "faults": [
                {
                    "name": fault.name,
                    "begin": fault.begin,
                    "heal": fault.heal,
                    "parameters": dict(fault.parameters),
                }
                for fault in self.faults
            ],
            "started": self.started,
            "speed": self.speed,
            "trace": self.trace,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "FaultPlan":
        """Read what :meth:`to_json` wrote."""
        faults = tuple(
            Fault(entry["name"], entry["begin"], entry["heal"], dict(entry["parameters"]))
            for entry in document["faults"]
        )
        return cls(faults, document["started"], document["speed"], document["trace"])


class FaultSwitch:
    """Asked at the place where a fault acts; writes down that it did."""

    def __init__(self, plan: FaultPlan, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._monotonic = monotonic

    @property
    def plan(self) -> FaultPlan:
        """The plan that is followed."""
        return self._plan

    def acts(self, name: str, where: str) -> bool:
        """Say whether fault ``name`` is on now; if it is, the trace gets a line that it acted at ``where``."""
        return self.acting(name, where) is not None

    def is_on(self, name: str) -> bool:
        """Say whether fault ``name`` is on now, without a trace: for behaviour that is not an act yet."""
        return self.current(name) is not None

    def is_planned(self, name: str) -> bool:
        """Say whether the plan has fault ``name`` at all, now or at another time."""
        return any(fault.name == name for fault in self._plan.faults)

    def current(self, name: str) -> Fault | None:
        """Return fault ``name`` with its parameters if it is on now, without a trace: they may say whether it acts."""
        age = self._age()
        return next((fault for fault in self._plan.faults if fault.name == name and fault.is_on(age)), None)

    def acting(self, name: str, where: str) -> Fault | None:
        """Return fault ``name`` with its parameters if it is on now, and write down that it acted at ``where``."""
        fault = self.current(name)
        if fault is not None:
            line = json.dumps({"fault": name, "where": where, "age": round(self._age(), 3), "pid": os.getpid()})
            with Path(self._plan.trace).open("a", encoding="utf-8") as trace:
                trace.write(line + "\n")
        return fault

    def _age(self) -> float:
        return (self._monotonic() - self._plan.started) * self._plan.speed


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
    parameters = dict(kind.parameters)
    for option in options.split(",") if options else ():
        key, separator, value = option.partition("=")
        if key not in (*_SCHEDULE_KEYS, *kind.parameters) or not separator:
            known = ", ".join(f"{known}=NUMBER" for known in (*_SCHEDULE_KEYS, *kind.parameters))
            raise FaultError(f"fault {name}: {option!r} is not one of {known}")
        if key in parameters:
            parameters[key] = _number(name, key, value)
            continue
        if kind.image is not None or kind.gate is not None:
            what = "an image" if kind.image is not None else "a gate"
            raise FaultError(f"fault {name} is {what} and cannot begin or heal later")
        schedule[key] = _number(name, key, value)
    if schedule["heal"] <= schedule["begin"]:
        raise FaultError(f"fault {name}: heal must come after begin")
    heal = None if math.isinf(schedule["heal"]) else schedule["heal"]
    return Fault(name, schedule["begin"], heal, parameters)


def image_of(faults: Sequence[Fault], image: str | None) -> str | None:
    """Return the image that the faults or the ``--image`` flag demand, or None for the default one.

    Raises:
        FaultError: two different images are demanded.
    """
    demanded = {kind.image for kind in (kind_of(fault.name) for fault in faults) if kind.image is not None}
    return _one("pins one image", demanded, image)


def gate_of(faults: Sequence[Fault], gate: str | None) -> str | None:
    """Return the gate version that the faults or the ``--gate`` flag demand, or None for the default one.

    Raises:
        FaultError: two different gates are demanded.
    """
    demanded = {kind.gate for kind in (kind_of(fault.name) for fault in faults) if kind.gate is not None}
    return _one("has one gate", demanded, gate)


def _one(what: str, demanded: set[str], flag: str | None) -> str | None:
    if flag is not None:
        demanded = demanded | {flag}
    if len(demanded) > 1:
        raise FaultError(f"one twin {what}, but these are asked for: {', '.join(sorted(demanded))}")
    return next(iter(demanded), None)


def _number(name: str, key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise FaultError(f"fault {name}: {key}={value!r} is not a number that is at least 0")
    return number


def acts_in(trace: Path, faults: Sequence[Fault]) -> dict[str, int]:
    """Return how often each of ``faults`` has acted by the trace; an image or a gate acts by being there: once."""
    lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
    names = [json.loads(line)["fault"] for line in lines]
    acted = {}
    for fault in faults:
        kind = kind_of(fault.name)
        acted[fault.name] = 1 if kind.image is not None or kind.gate is not None else names.count(fault.name)
    return acted
