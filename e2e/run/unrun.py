"""Verdicts of runs that were demanded and did not come to a verdict of their own: skipped, refused, or crashed."""

import contextlib
import shlex
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from e2e.evidence.bundle import Bundle
from e2e.evidence.events import EventLog
from e2e.run.journal import Journal
from e2e.run.order import RunOrder
from e2e.run.result import RunResult, line_of
from e2e.run.target import TargetRefusal
from e2e.verdict.causes import cause_named
from e2e.verdict.classes import HARNESS_FAILED, OK, UNPROVEN, code_of
from e2e.verdict.diagnosis import Diagnosis, Failure
from e2e.verdict.document import ExpectedOutcome, Judged, verdict_document
from e2e.verdict.document import next_command as command_after
from e2e.verdict.proofs import Proof

NOTHING_LIVE = "nothing live was proven"
"""What a session says that demands live proof of an embedded target."""


def skipped_run(order: RunOrder) -> RunResult:
    """Return the result of a run that cannot begin for want of credentials: ``skipped``, which proves nothing.

    Raises:
        OSError: the bundle cannot be written.
    """
    reason = f"skipped, nothing was proven: {'; '.join(order.policy.missing)}"
    return _not_begun(order, Judged("skipped", None, None, (), OK, None, "none", reason), ())


def nothing_live_run(order: RunOrder) -> RunResult:
    """Return the result of a run that must not begin: live proof is demanded, and the target is embedded.

    Raises:
        OSError: the bundle cannot be written.
    """
    reason = f"{NOTHING_LIVE}: require-live is demanded, and the target {order.policy.target} is embedded"
    failure = Failure("proof-missing", "UNKNOWN", UNPROVEN, order.scenario.demanded, (), reason)
    judged = Judged("unproven", "UNKNOWN", "proof-missing", (UNPROVEN,), UNPROVEN, None, "none", reason)
    return _not_begun(order, judged, (failure,))


def refusal_of_target(journal: Journal, error: TargetRefusal) -> Judged:
    """Write down why the run must not begin on the target, and return what that is judged as."""
    cause = cause_named(error.cause)
    code = code_of(cause.cause_class)
    judged = Judged("error", cause.cause_class, cause.id, (code,), code, None, "none", f"{cause.meaning}: {error}")
    _say_why(journal, judged)
    return judged


def refused_run(order: RunOrder, bundle: Bundle, judged: Judged) -> RunResult:
    """Return the result of a run that the target refused.

    Raises:
        OSError: the bundle cannot be written.
    """
    cause = cause_named(judged.cause or "target-refused")
    failure = Failure(cause.id, cause.cause_class, judged.code, (), ("events.jsonl",), judged.summary)
    command = command_after(judged, scenario_path=str(order.scenario.path), bundle=str(order.folder), slug="")
    return _publish(order, bundle, judged, (failure,), next_command=command)


def crashed_run(order: RunOrder, error: Exception) -> RunResult:
    """Return the result of a run whose verdict could not be given because the harness failed; nothing is raised.

    What can still be written is written into its bundle.
    """
    saying = f"the harness itself failed: {type(error).__name__}: {error}"
    failure = Failure("harness-crashed", "HARNESS", HARNESS_FAILED, (), (), saying)
    expect = order.scenario.expect
    expected = ExpectedOutcome(expect.outcome, expect.cause_class, expect.cause) if expect is not None else None
    expectation = "missed" if expected is not None else None
    judged = Judged(
        "error", "HARNESS", "harness-crashed", (HARNESS_FAILED,), HARNESS_FAILED, expectation, "none", saying
    )
    document = _document(order, judged, (failure,), next_command=_crash_report(order), expected=expected)
    bundle = Bundle(order.folder, masker=order.masker())
    written = False
    if (order.folder / "verdict.json").exists():
        # Either it says what the receipt must not believe, or it is another run's and not ours to write over.
        return RunResult(line_of(order, judged, verdict_written=False), order.folder, document)
    with contextlib.suppress(OSError):
        bundle.write_text("crash.txt", "".join(traceback.format_exception(error)))
    with contextlib.suppress(OSError):
        bundle.write_record("verdict.json", document)
        written = True
        bundle.seal()
    return RunResult(line_of(order, judged, verdict_written=written), order.folder, document)


def _not_begun(order: RunOrder, judged: Judged, failures: Sequence[Failure]) -> RunResult:
    masker = order.masker()
    bundle = Bundle.create(order.folder, masker=masker)
    with EventLog(order.folder / "events.jsonl", order.run_id, now=_now, masker=masker) as events:
        journal = Journal(events, lambda line: order.say(f"[{order.scenario.name}] {masker.mask(line)}"))
        journal.write("demanded", order.demanded())
        _say_why(journal, judged)
    local = f"concierge-e2e run {shlex.quote(str(order.scenario.path))} --target local"
    command = f"{local} --require-live --rehearse" if judged.outcome == "unproven" else local
    return _publish(order, bundle, judged, failures, next_command=command)


def _say_why(journal: Journal, judged: Judged) -> None:
    journal.write("not_begun", {"outcome": judged.outcome, "code": judged.code, "reason": judged.summary})
    journal.say(judged.summary)


def _publish(
    order: RunOrder, bundle: Bundle, judged: Judged, failures: Sequence[Failure], *, next_command: str
) -> RunResult:
    document = _document(order, judged, failures, next_command=next_command)
    bundle.write_record("verdict.json", document)
    bundle.seal()
    return RunResult(line_of(order, judged), bundle.folder, document)


def _document(
    order: RunOrder,
    judged: Judged,
    failures: Sequence[Failure],
    *,
    next_command: str,
    expected: ExpectedOutcome | None = None,
) -> dict[str, Any]:
    return verdict_document(
        judged,
        [Proof(name, "not_run", (), "the run did not begin") for name in order.scenario.demanded],
        Diagnosis(tuple(failures), failures[0] if failures else None, judged.codes),
        identity={
            **order.demanded(),
            "slug": None,
            "gate": None,
            "speed": order.policy.speed,
            "commands_sent": None,
        },
        stages=[],
        incarnation=None,
        provenance={},
        teardown={"complete": False, "ledger_closed": None, "leaks": []},
        expected=expected,
        next_command=next_command,
    )


def _crash_report(order: RunOrder) -> str:
    return f"less {shlex.quote(str(order.folder / 'evidence' / 'crash.txt'))}"


def _now() -> datetime:
    return datetime.now(UTC)
