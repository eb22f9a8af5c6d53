"""The account of a require-live session: what was demanded of it, and what was seen of each demand.

Every process that runs tests keeps one. Under xdist the controller adds up those of its workers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Account:
    """Node ids by what is known of them, and problems that stand for themselves.

    ``collected``: pytest found it; ``passed``, ``failed``: a report says so; ``raised``: its code was seen to raise;
    ``reasons``: why it will not run; ``excused``: scenario files that are not for this target.
    """

    collected: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    raised: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def problem(self, line: str) -> None:
        """Note something that keeps the session from being green, once."""
        if line not in self.problems:
            self.problems.append(line)

    def document(self) -> dict[str, Any]:
        """Return what an xdist worker tells its controller; the reports it has already."""
        return {
            "collected": sorted(self.collected),
            "raised": dict(self.raised),
            "reasons": dict(self.reasons),
            "excused": sorted(self.excused),
            "problems": list(self.problems),
        }

    def add(self, document: Mapping[str, Any]) -> None:
        """Add what a worker told."""
        self.collected |= set(document["collected"])
        self.raised |= document["raised"]
        self.reasons |= document["reasons"]
        self.excused |= set(document["excused"])
        for line in document["problems"]:
            self.problem(line)

    def violations(self, defined: Iterable[str], scenarios: Sequence[str]) -> list[str]:
        """Compare and return a line for everything that was demanded and not seen to pass.

        What failed in a scenario is left out: its verdict tells it, and better.
        ``defined`` are the tests that the files define, ``scenarios`` the scenario files that are there.
        """
        lines = [f"{name}: failed" for name in sorted(self.failed) if not _is_of_a_scenario(name)]
        lines += self.problems
        lines += [
            f"{name}: it raised {what}, and its report does not say so"
            for name, what in sorted(self.raised.items())
            if name not in self.failed
        ]
        lines += [
            f"{name}: collected and not run: {self.reasons.get(name, 'nothing was seen of it')}"
            for name in sorted(self.collected - self.passed - self.failed - set(self.raised))
        ]
        known = {name.partition("[")[0] for name in self.collected}
        lines += [
            f"{name}: defined and not collected"
            for name in defined
            if name not in known and not self.failed.intersection(_with_parents(name))
        ]
        files = {name.partition("::")[0] for name in (*self.collected, *self.failed)} | self.excused
        lines += [f"{name}: a scenario file that was not collected" for name in scenarios if name not in files]
        return lines


def _is_of_a_scenario(name: str) -> bool:
    return name.partition("::")[0].endswith((".yaml", ".yml"))


def _with_parents(name: str) -> list[str]:
    """Return a node id and those of everything that it is part of: a file that could not be read explains its tests."""
    parts = name.split("::")
    return ["::".join(parts[:length]) for length in range(1, len(parts) + 1)]
