"""The result of one run, as items, receipts and reports look at it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.run.order import RunOrder
from e2e.verdict.document import Judged
from e2e.verdict.receipt import RunLine


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run: its line in the receipt, its bundle and its verdict."""

    line: RunLine
    folder: Path
    verdict: dict[str, Any]

    def problem_of(self, item: str) -> str | None:
        """Return what is wrong with one item of the scenario, or None if it is as demanded.

        ``item`` is the name of a proof, ``verdict``, or in a red proof ``outcome``, ``class``, ``cause``.
        """
        verdict = self.verdict
        expected = verdict["expected"]
        if item == "verdict":
            return None if verdict["outcome"] in ("proven", "skipped") else self._story()
        if expected is not None and item in ("outcome", "class", "cause"):
            if verdict[item] == expected[item]:
                return None
            return f"{item}: expected {expected[item]}, reported {verdict[item]}\n{self._story()}"
        proof = next((proof for proof in verdict["proofs"] if proof["name"] == item), None)
        if proof is None:
            return f"{item}: nothing observed it\n{self._story()}"
        if proof["status"] in ("proven", "kept"):
            return None
        return f"{item}: {proof['status']}: {proof.get('note', '')}\n{self._story()}"

    def _story(self) -> str:
        verdict = self.verdict
        what = f"{verdict['class']} {verdict['cause']}" if verdict["cause"] else "no cause"
        return "\n".join(
            (
                f"{verdict['outcome']}: {what}",
                f"  {verdict['summary']}",
                f"  next:   {verdict['next']}",
                f"  bundle: {self.folder}",
            )
        )


def line_of(order: RunOrder, judged: Judged, *, verdict_written: bool = True) -> RunLine:
    """Return the line of the receipt for one run; without a verdict on the disk it points to none."""
    return RunLine(
        run_id=order.run_id,
        scenario=order.scenario.name,
        path=str(order.scenario.path),
        outcome=judged.outcome,
        cause_class=judged.cause_class,
        cause=judged.cause,
        expectation=judged.expectation,
        code=judged.code,
        verdict=str(order.folder / "verdict.json") if verdict_written else None,
    )
