"""A pytest plugin that stands in for the live platform: every boot is proven at once, so that a session can be green.

Loaded with ``-p stand_in_boots`` in the processes that the table of holes is tried in, and nowhere else.
"""

from datetime import UTC, datetime
from typing import Any

from e2e.evidence.bundle import Bundle
from e2e.evidence.events import EventLog
from e2e.run import session
from e2e.run.order import RunOrder
from e2e.run.result import RunResult, line_of
from e2e.verdict.diagnosis import Diagnosis
from e2e.verdict.document import Judged, verdict_document
from e2e.verdict.proofs import Proof


def _proven(_: session.Session, order: RunOrder) -> RunResult:
    bundle = Bundle.create(order.folder, masker=order.masker())
    with EventLog(
        order.folder / "events.jsonl", order.run_id, now=lambda: datetime.now(UTC), masker=order.masker()
    ) as events:
        reference = f"events.jsonl#seq={events.write('demanded', order.demanded())}"
    judged = Judged("proven", None, None, (), 0, None, "row_by_agent", "a stand-in: nothing was booted")
    identity: dict[str, Any] = {**order.demanded(), "slug": None, "gate": None, "speed": 1.0, "commands_sent": None}
    document = verdict_document(
        judged,
        [Proof(name, "proven", (reference,)) for name in order.scenario.prove],
        Diagnosis((), None, ()),
        identity=identity,
        stages=[],
        incarnation=None,
        provenance={},
        teardown={"complete": True, "ledger_closed": True, "leaks": []},
        expected=None,
        next_command="concierge-e2e faults",
    )
    bundle.write_record("verdict.json", document)
    bundle.seal()
    return RunResult(line_of(order, judged), bundle.folder, document)


session.AVAILABLE_TARGETS = frozenset({"local", "staging"})
session.Session._run = _proven  # type: ignore[method-assign, assignment]
