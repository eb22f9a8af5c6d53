"""The states of an invocation."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from e2e.twin.cloud.commands import Budgets, Command, Invocation, outcome
from e2e.twin.cloud.shell import Interrupt, ShellResult

_NOW = datetime(2026, 6, 19, tzinfo=UTC)
_COMMAND = Command(
    command_id="0" * 36,
    instance_ids=("i-0123456789abcdef0",),
    given_instance_ids=("i-0123456789abcdef0",),
    targets=(),
    document_name="AWS-RunShellScript",
    document_version="$DEFAULT",
    parameters={"commands": ["true"]},
    comment="",
    requested_at=_NOW,
    expires_after=_NOW + timedelta(seconds=60),
    delivery_seconds=30,
    execution_seconds=30,
    max_concurrency="50",
    max_errors="0",
)
_AMPLE = Budgets(visible=0, delivered=0, delivery=1000, execution=1000)


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """An interrupt."""
    with Interrupt() as interrupt:
        yield interrupt


def _invocation(budgets: Budgets = _AMPLE) -> Invocation:
    return Invocation(_COMMAND, "i-0123456789abcdef0", budgets)


def _ended(code: int) -> ShellResult:
    return ShellResult("exit", code, b"out", b"err")


@pytest.mark.parametrize(
    ("result", "status", "details", "code"),
    [
        (_ended(0), "Success", "Success", 0),
        (_ended(1), "Failed", "Failed", 1),
        (_ended(-1), "Failed", "Failed", -1),
        (_ended(168), "Success", "Success", 168),
        (_ended(169), "Failed", "Failed", 169),
        (_ended(137), "TimedOut", "ExecutionTimedOut", 137),
        (ShellResult("timeout", 137, b"", b""), "TimedOut", "ExecutionTimedOut", 137),
        (ShellResult("cancel", 137, b"", b""), "Cancelled", "Cancelled", 137),
    ],
)
def test_what_a_result_means_to_the_agent(result: ShellResult, status: str, details: str, code: int) -> None:
    state = outcome(result)
    assert state is not None
    assert (state.status, state.details, state.response_code) == (status, details, code)
    assert state.terminal


def test_a_failure_is_named_on_standard_error() -> None:
    state = outcome(_ended(2))
    assert state is not None
    assert state.stderr == b"errfailed to run commands: exit status 2"
    killed = outcome(_ended(-1))
    assert killed is not None
    assert killed.stderr.endswith(b"signal: killed")


def test_168_clears_the_errors_and_adds_a_text() -> None:
    state = outcome(_ended(168))
    assert state is not None
    assert state.stderr == b""
    assert state.stdout.startswith(b"out\nStep exited with code 168. Therefore, marking step as succeeded.")


def test_169_adds_a_text_to_both() -> None:
    state = outcome(_ended(169))
    assert state is not None
    for output in (state.stdout, state.stderr):
        assert b"Step exited with code 169. Therefore, marking step as Failed." in output


def test_a_reboot_is_asked_for_and_never_comes(interrupt: Interrupt) -> None:
    invocation = _invocation()
    assert invocation.begin(interrupt, _NOW)
    invocation.finish(_ended(194), 1.0, _NOW)
    assert invocation.state(_NOW).status == "InProgress"


def test_before_its_end_there_is_no_output_and_no_code(interrupt: Interrupt) -> None:
    invocation = _invocation()
    assert (invocation.state(_NOW).status, invocation.state(_NOW).response_code) == ("Pending", -1)
    invocation.begin(interrupt, _NOW)
    state = invocation.state(_NOW)
    assert (state.status, state.response_code, state.stdout) == ("InProgress", -1, b"")


def test_too_late_it_is_not_started(interrupt: Interrupt) -> None:
    invocation = _invocation(Budgets(visible=0, delivered=0, delivery=0, execution=1000))
    assert not invocation.begin(interrupt, _NOW)
    state = invocation.state(_NOW)
    assert (state.status, state.details, state.response_code) == ("TimedOut", "DeliveryTimedOut", -1)


def test_a_machine_that_goes_away_leaves_it_in_progress_until_all_time_is_used_up(interrupt: Interrupt) -> None:
    patient, hasty = _invocation(), _invocation(Budgets(0, 0, delivery=0.001, execution=0))
    for invocation in (patient, hasty):
        invocation._state = type(invocation._state)("InProgress", "InProgress", started_at=_NOW)
        invocation.finish(None, 1.0, _NOW)
    assert patient.state(_NOW).status == "InProgress"
    while hasty.state(_NOW).status == "InProgress":
        pass
    assert hasty.state(_NOW).details == "ExecutionTimedOut"


def test_what_waits_is_cancelled_at_once(interrupt: Interrupt) -> None:
    invocation = _invocation()
    invocation.cancel(_NOW)
    assert invocation.state(_NOW).status == "Cancelled"
    assert not invocation.begin(interrupt, _NOW)


def test_what_runs_is_cancelling_until_it_is_dead(interrupt: Interrupt) -> None:
    invocation = _invocation()
    invocation.begin(interrupt, _NOW)
    invocation.cancel(_NOW)
    state = invocation.state(_NOW)
    assert (state.status, state.terminal) == ("Cancelling", False)
    invocation.finish(ShellResult("cancel", 137, b"", b""), 1.0, _NOW)
    assert invocation.state(_NOW).status == "Cancelled"


def test_what_has_ended_stays_as_it_is(interrupt: Interrupt) -> None:
    invocation = _invocation()
    invocation.begin(interrupt, _NOW)
    invocation.finish(_ended(0), 1.0, _NOW)
    invocation.cancel(_NOW)
    invocation.finish(_ended(1), 2.0, _NOW)
    assert invocation.state(_NOW).status == "Success"


def test_what_used_up_its_budget_says_so_in_the_seconds_of_the_wire(interrupt: Interrupt) -> None:
    one = _invocation()
    one.begin(interrupt, _NOW)
    one.finish(ShellResult("timeout", 137, b"", b""), 0.3, _NOW)
    assert one.state(_NOW).elapsed_seconds == _COMMAND.execution_seconds


def test_what_was_killed_early_says_how_long_it_really_ran(interrupt: Interrupt) -> None:
    one = _invocation()
    one.begin(interrupt, _NOW)
    one.finish(_ended(137), 0.3, _NOW)
    assert one.state(_NOW).elapsed_seconds == 0.3
