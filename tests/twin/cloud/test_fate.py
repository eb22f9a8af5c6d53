"""What the service says of an invocation whose end is settled beforehand."""

from datetime import UTC, datetime, timedelta

from e2e.twin.cloud.commands import Budgets, Command
from e2e.twin.cloud.fate import Ending, Fate, FatedInvocation
from e2e.twin.cloud.shell import Interrupt, ShellResult

NOW = datetime(2026, 6, 19, tzinfo=UTC)
COMMAND = Command(
    command_id="0" * 36,
    instance_ids=("i-0123456789abcdef0",),
    given_instance_ids=("i-0123456789abcdef0",),
    targets=(),
    document_name="AWS-RunShellScript",
    document_version="$DEFAULT",
    parameters={"commands": ["true"]},
    comment="",
    requested_at=NOW,
    expires_after=NOW + timedelta(seconds=60),
    delivery_seconds=30,
    execution_seconds=45,
    max_concurrency="50",
    max_errors="0",
)
WELL = ShellResult("exit", 0, b"out", b"err")
HOUR = 3600.0


def invocation(fate: Fate, *, delivered: float = 0.0, delivery: float = 0.0, execution: float = 0.0) -> FatedInvocation:
    budgets = Budgets(visible=0, delivered=delivered, delivery=HOUR, execution=HOUR)
    return FatedInvocation(
        COMMAND, "i-0123456789abcdef0", budgets, fate=fate, delivery_wait=delivery, execution_wait=execution
    )


def triple(one: FatedInvocation) -> tuple[str, str, int]:
    state = one.state(NOW)
    return state.status, state.details, state.response_code


def carry_out(one: FatedInvocation, result: ShellResult | None = WELL) -> bool:
    """Do what the agent does; return whether the script ran."""
    with Interrupt() as interrupt:
        runs = one.begin(interrupt, NOW)
        if runs:
            one.finish(result, 0.1, NOW)
    return runs


def test_the_first_reads_find_nothing_and_then_all_do() -> None:
    one = invocation(Fate(unseen_reads=2))
    assert [one.shows() for _ in range(4)] == [False, False, True, True]


def test_an_undeliverable_one_has_neither_code_nor_output_whether_it_ran_or_not() -> None:
    never = invocation(Fate(ending=Ending.UNDELIVERABLE, executions=0))
    ran = invocation(Fate(ending=Ending.UNDELIVERABLE))
    assert (never.executions, ran.executions) == (0, 1)
    assert carry_out(ran)
    for one in (never, ran):
        assert triple(one) == ("Failed", "Undeliverable", -1)
        state = one.state(NOW)
        assert (state.stdout, state.stderr, state.started_at) == (b"", b"", None)


def test_an_undeliverable_one_is_pending_before_the_delivery_was_tried() -> None:
    assert triple(invocation(Fate(ending=Ending.UNDELIVERABLE), delivered=HOUR)) == ("Pending", "Pending", -1)


def test_what_is_never_delivered_waits_until_its_delivery_time_is_over() -> None:
    fate = Fate(ending=Ending.DELIVERY_TIMED_OUT, executions=0)
    assert triple(invocation(fate, delivery=HOUR)) == ("Pending", "Pending", -1)
    assert triple(invocation(fate)) == ("TimedOut", "DeliveryTimedOut", -1)


def test_what_hangs_ends_at_its_budget_without_output_and_says_how_long_it_ran() -> None:
    fate = Fate(ending=Ending.EXECUTION_TIMED_OUT, executions=0)
    assert triple(invocation(fate, execution=HOUR)) == ("InProgress", "InProgress", -1)
    one = invocation(fate)
    assert triple(one) == ("TimedOut", "ExecutionTimedOut", 137)
    state = one.state(NOW)
    assert (state.elapsed_seconds, state.stdout) == (45.0, b"")
    assert state.started_at is not None


def test_what_hangs_can_be_cancelled() -> None:
    one = invocation(Fate(ending=Ending.EXECUTION_TIMED_OUT, executions=0), execution=HOUR)
    one.cancel(NOW)
    assert triple(one) == ("Cancelled", "Cancelled", 137)


def test_what_is_stuck_stays_in_progress_and_then_cancelling_for_ever() -> None:
    one = invocation(Fate(ending=Ending.STUCK, executions=0))
    assert triple(one) == ("InProgress", "InProgress", -1)
    one.cancel(NOW)
    for _ in range(3):
        assert triple(one) == ("Cancelling", "Cancelling", -1)
    assert not one.state(NOW).terminal


def test_an_odd_end_comes_with_the_true_output() -> None:
    one = invocation(Fate(ending=Ending.ODD))
    carry_out(one)
    assert triple(one) == ("Failed", "ServiceInterrupted", 0)
    assert one.state(NOW).stdout == b"out"


def test_a_spoilt_output_changes_nothing_else() -> None:
    one = invocation(Fate(spoil=lambda output: output * 3))
    carry_out(one)
    assert triple(one) == ("Success", "Success", 0)
    assert (one.state(NOW).stdout, one.state(NOW).stderr) == (b"outoutout", b"err")


def test_a_machine_that_went_away_spoils_nothing() -> None:
    one = invocation(Fate(spoil=lambda output: output * 3))
    carry_out(one, None)
    assert triple(one)[0] == "InProgress"


def test_without_a_fate_it_expires_as_any_other() -> None:
    budgets = Budgets(visible=0, delivered=0, delivery=-1.0, execution=HOUR)
    one = FatedInvocation(COMMAND, "i-0123456789abcdef0", budgets)
    assert triple(one) == ("TimedOut", "DeliveryTimedOut", -1)
    assert not carry_out(one)


def test_what_was_cancelled_before_its_delivery_stays_so() -> None:
    one = invocation(Fate(ending=Ending.DELIVERY_TIMED_OUT, executions=0), delivery=HOUR)
    one.cancel(NOW)
    one.delivery_wait = 0.0
    assert triple(one) == ("Cancelled", "Cancelled", -1)
