"""The SSM transport: sent once, followed to its end, never fooled."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from e2e.hosts.command import CommandTimes, Output
from e2e.hosts.errors import (
    AccessDenied,
    Cancelled,
    CommandKilled,
    CredentialsExpired,
    CredentialsRefused,
    DeliveryTimedOut,
    ExecutionTimedOut,
    HostAccessError,
    InstanceIdRefused,
    SendUnconfirmed,
    StatusUnknown,
    Throttled,
    Undeliverable,
)

FIRST, SECOND = "i-00000000000000001", "i-00000000000000002"
TIMES = CommandTimes(60, 120, 5.0)
SHORT = CommandTimes(60, 120, 0.2)


def state(status: str, details: str | None = None, code: int = -1, **more: Any) -> dict[str, Any]:
    return {"Status": status, "StatusDetails": status if details is None else details, "ResponseCode": code, **more}


RUNNING, DONE, ABSENT = state("InProgress"), state("Success", code=0), {"Status": ""}


def then(*states: dict[str, Any]) -> Callable[[str, int], dict[str, Any]]:
    """Return a script: one state per poll, the last one for ever."""
    return lambda _instance, poll: states[min(poll, len(states) - 1)]


@pytest.fixture
def execute(aws: Any, transport: Any) -> Callable[..., Any]:
    aws.machine(FIRST)
    aws.machine(SECOND, "ws-tenant")

    def run(hosts: tuple[str, ...] = (FIRST,), times: CommandTimes = TIMES, **more: Any) -> Any:
        more = {"comment": "look", "idempotent": False, **more}
        results = transport.execute("echo", hosts, times, **more)
        return results[FIRST] if hosts == (FIRST,) else results

    return run


def test_one_command_goes_to_all_hosts_and_content_is_fetched_once_each(
    aws: Any, execute: Any, transport: Any, records: list[dict[str, Any]]
) -> None:
    aws.script = lambda instance, poll: ABSENT if poll < 1 else (RUNNING if instance == SECOND and poll < 4 else DONE)
    aws.output = lambda _text, instance: f"from {instance}"
    results = execute((FIRST, SECOND))
    assert {key: value.text for key, value in results.items()} == {FIRST: f"from {FIRST}", SECOND: f"from {SECOND}"}
    assert aws.names().count("SendCommand") == 1
    assert aws.names().count("GetCommandInvocation") == 2
    assert transport.commands_sent == 1
    sent = aws.calls[0][1]
    assert sent["TimeoutSeconds"] == 60
    assert sent["Parameters"] == {"commands": ["echo"], "executionTimeout": ["120"]}
    assert [record["outcome"] for record in records] == ["answered", "answered"]
    assert records[0]["nonce"] in sent["Comment"]
    assert "from" not in str(records)


def test_the_comment_keeps_its_nonce_however_long_it_is(aws: Any, execute: Any, records: list[dict[str, Any]]) -> None:
    execute(comment="x" * 300)
    comment = aws.calls[0][1]["Comment"]
    assert len(comment) == 100
    assert comment.endswith(records[0]["nonce"])


def test_invocation_does_not_exist_means_not_yet(aws: Any, execute: Any, aws_error: Any) -> None:
    counter = itertools.count()

    def listing(parameters: dict[str, Any]) -> dict[str, Any]:
        if next(counter) < 4:
            raise aws_error("InvocationDoesNotExist")
        return aws._ListCommandInvocations(parameters)  # type: ignore[no-any-return]

    aws.handlers["ListCommandInvocations"] = listing
    assert isinstance(execute(), Output)


def test_a_content_read_that_lags_behind_the_list_is_read_again(aws: Any, execute: Any) -> None:
    counter = itertools.count()

    def content(parameters: dict[str, Any]) -> dict[str, Any]:
        answer = aws._GetCommandInvocation(parameters)
        return {**answer, **RUNNING} if next(counter) < 2 else answer

    aws.handlers["GetCommandInvocation"] = content
    assert execute().text == "out"


@pytest.mark.parametrize(
    ("end", "kind", "cause"),
    [
        (state("Failed", "Undeliverable"), Undeliverable, "ssm-undeliverable"),
        (state("TimedOut", "DeliveryTimedOut"), DeliveryTimedOut, "ssm-delivery-timeout"),
        (
            state("TimedOut", "ExecutionTimedOut", 137, ExecutionElapsedTime="PT2M0.27S"),
            ExecutionTimedOut,
            "ssm-execution-timeout",
        ),
        (state("TimedOut", "ExecutionTimedOut", 137, ExecutionElapsedTime="PT3S"), CommandKilled, "ssm-output-corrupt"),
        (state("Failed", "Failed", 1), CommandKilled, "ssm-output-corrupt"),
        (state("Cancelled"), Cancelled, "no-rule-matched"),
        (state("Failed", "AccessDenied"), AccessDenied, "aws-access-denied"),
        (state("Failed", "RateExceeded"), Throttled, "ssm-throttled"),
        (state("Rebooting", "Rebooting", 194), StatusUnknown, "no-rule-matched"),
        (state("Success", "Success", 168), StatusUnknown, "no-rule-matched"),
        (state("Success", "Details placeholder", 0), StatusUnknown, "no-rule-matched"),
    ],
)
def test_each_end_has_its_own_error_and_none_is_an_answer(
    aws: Any, execute: Any, records: list[dict[str, Any]], end: dict[str, Any], kind: type[HostAccessError], cause: str
) -> None:
    aws.script = then(RUNNING, end)
    error: HostAccessError = execute()
    assert isinstance(error, kind)
    assert type(error).__name__ == kind.__name__
    assert error.cause == cause
    assert error.instance_id == FIRST
    assert error.command_id == aws.commands[0]["CommandId"]
    assert "aws ssm get-command-invocation" in (error.repro or "")
    assert str(error).splitlines()[0].startswith(cause)
    assert records[0]["outcome"] == kind.__name__
    assert records[0]["status_details"] == end["StatusDetails"]


def test_one_failed_host_does_not_take_the_other_with_it(aws: Any, execute: Any) -> None:
    aws.script = lambda instance, _poll: DONE if instance == FIRST else state("Failed", "Undeliverable")
    results = execute((FIRST, SECOND))
    assert isinstance(results[FIRST], Output)
    assert isinstance(results[SECOND], Undeliverable)


# --- the answer to the send is lost -----------------------------------------------------------------------------------


def lose(aws: Any, lost: type[Exception], *, accepted: bool, times: int = 1) -> None:
    counter = itertools.count()

    def send(parameters: dict[str, Any]) -> dict[str, Any]:
        if next(counter) < times:
            if accepted:
                aws.accept(parameters)
            raise lost()
        return aws._SendCommand(parameters)  # type: ignore[no-any-return]

    aws.handlers["SendCommand"] = send


def test_a_lost_answer_is_found_by_its_nonce_and_nothing_is_sent_again(
    aws: Any, execute: Any, lost: type[Exception], records: list[dict[str, Any]], transport: Any
) -> None:
    lose(aws, lost, accepted=True)
    assert isinstance(execute(idempotent=True), Output)
    assert aws.names().count("SendCommand") == 1
    assert transport.commands_sent == 1
    assert records[0]["how_confirmed"] == "nonce"


def test_a_server_error_may_have_been_carried_out_so_it_is_looked_up(aws: Any, execute: Any, aws_error: Any) -> None:
    def send(parameters: dict[str, Any]) -> dict[str, Any]:
        aws.accept(parameters)
        raise aws_error("InternalServerError", 500)

    aws.handlers["SendCommand"] = send
    assert isinstance(execute(), Output)
    assert aws.names().count("SendCommand") == 1


def test_a_list_that_lags_is_asked_until_it_has_the_command(aws: Any, execute: Any, lost: type[Exception]) -> None:
    lose(aws, lost, accepted=True)
    counter = itertools.count()
    aws.handlers["ListCommands"] = lambda parameters: (
        {"Commands": []} if next(counter) < 3 else aws._ListCommands(parameters)
    )
    assert isinstance(execute(), Output)


def test_a_command_of_somebody_else_is_not_taken_for_ours(aws: Any, execute: Any, lost: type[Exception]) -> None:
    aws.commands.append({"CommandId": "f" * 36, "Comment": "look deadbeefdeadbeef", "InstanceIds": [FIRST]})
    lose(aws, lost, accepted=False)
    with pytest.raises(SendUnconfirmed) as caught:
        execute()
    assert caught.value.ambiguous
    assert aws.names().count("SendCommand") == 1


def test_only_an_idempotent_command_is_sent_again_and_once(
    aws: Any, execute: Any, lost: type[Exception], transport: Any
) -> None:
    lose(aws, lost, accepted=False)
    assert isinstance(execute(idempotent=True), Output)
    assert aws.names().count("SendCommand") == 2
    lose(aws, lost, accepted=False, times=99)
    with pytest.raises(SendUnconfirmed):
        execute(idempotent=True)
    assert aws.names().count("SendCommand") == 4
    assert transport.commands_sent == 4


def test_a_lost_answer_that_cannot_be_looked_up_names_why(
    aws: Any, execute: Any, lost: type[Exception], aws_error: Any
) -> None:
    lose(aws, lost, accepted=True)

    def listing(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("AccessDeniedException")

    aws.handlers["ListCommands"] = listing
    with pytest.raises(SendUnconfirmed) as caught:
        execute(idempotent=True)
    assert caught.value.cause == "aws-access-denied"
    assert aws.names().count("SendCommand") == 1


# --- refusals -----------------------------------------------------------------------------------------------------


def test_throttling_is_a_refusal_so_the_send_is_repeated(
    aws: Any, execute: Any, aws_error: Any, transport: Any
) -> None:
    counter = itertools.count()

    def send(parameters: dict[str, Any]) -> dict[str, Any]:
        if next(counter) < 3:
            raise aws_error("ThrottlingException", message="Rate exceeded")
        return aws._SendCommand(parameters)  # type: ignore[no-any-return]

    aws.handlers["SendCommand"] = send
    assert isinstance(execute(), Output)
    assert len(aws.commands) == 1
    assert transport.commands_sent == 1
    assert "ListCommands" not in aws.names()


def test_throttling_without_end_is_named(aws: Any, execute: Any, aws_error: Any) -> None:
    def send(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("ThrottlingException")

    aws.handlers["SendCommand"] = send
    with pytest.raises(Throttled):
        execute(times=SHORT)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", AccessDenied),
        ("ExpiredTokenException", CredentialsExpired),
        ("UnrecognizedClientException", CredentialsRefused),
        ("InvalidSignatureException", CredentialsRefused),
        ("InvalidInstanceId", InstanceIdRefused),
        ("UnsupportedPlatformType", StatusUnknown),
    ],
)
def test_a_refused_send_is_final_and_sent_once(
    aws: Any, execute: Any, aws_error: Any, records: list[dict[str, Any]], code: str, kind: type[HostAccessError]
) -> None:
    def send(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error(code)

    aws.handlers["SendCommand"] = send
    with pytest.raises(kind):
        execute(idempotent=True)
    assert aws.names() == ["SendCommand"]
    assert records[0]["outcome"] == kind.__name__
    assert records[0]["command_id"] is None


def test_a_token_that_expires_while_waiting_is_named_and_the_wait_ends(aws: Any, execute: Any, aws_error: Any) -> None:
    aws.script = then(RUNNING)
    counter = itertools.count()

    def listing(parameters: dict[str, Any]) -> dict[str, Any]:
        if next(counter) > 2:
            raise aws_error("ExpiredTokenException")
        return aws._ListCommandInvocations(parameters)  # type: ignore[no-any-return]

    aws.handlers["ListCommandInvocations"] = listing
    error = execute()
    assert isinstance(error, CredentialsExpired)
    assert error.instance_id == FIRST


def test_a_throttled_read_is_read_again(aws: Any, execute: Any, aws_error: Any) -> None:
    counter = itertools.count()

    def listing(parameters: dict[str, Any]) -> dict[str, Any]:
        if next(counter) < 1:
            raise aws_error("ThrottlingException")
        return aws._ListCommandInvocations(parameters)  # type: ignore[no-any-return]

    aws.handlers["ListCommandInvocations"] = listing
    assert isinstance(execute(), Output)


# --- the end of patience ------------------------------------------------------------------------------------------


def test_our_own_deadline_cancels_and_confirms(aws: Any, execute: Any, records: list[dict[str, Any]]) -> None:
    aws.script = lambda _instance, _poll: state("Cancelled") if "CancelCommand" in aws.names() else RUNNING
    error = execute(times=SHORT)
    assert isinstance(error, ExecutionTimedOut)
    assert "cancel confirmed" in error.detail
    assert "InProgress" in error.detail
    assert records[0]["cancelled"] == "confirmed"


def test_a_command_never_delivered_is_a_delivery_timeout(aws: Any, execute: Any) -> None:
    aws.script = lambda _instance, _poll: state("Cancelled") if "CancelCommand" in aws.names() else state("Pending")
    assert isinstance(execute(times=SHORT), DeliveryTimedOut)


def test_a_command_never_listed_is_a_delivery_timeout(aws: Any, execute: Any) -> None:
    aws.script = then(ABSENT)
    error = execute(times=SHORT)
    assert isinstance(error, DeliveryTimedOut)
    assert "no invocation" in error.detail


def test_cancelling_for_ever_is_not_a_confirmation(aws: Any, execute: Any, records: list[dict[str, Any]]) -> None:
    aws.script = lambda _instance, _poll: state("Cancelling") if "CancelCommand" in aws.names() else RUNNING
    error = execute(times=SHORT)
    assert isinstance(error, ExecutionTimedOut)
    assert records[0]["cancelled"] == "asked, unconfirmed"


def test_a_throttled_cancel_is_not_a_confirmation(
    aws: Any, execute: Any, aws_error: Any, records: list[dict[str, Any]]
) -> None:
    aws.script = then(RUNNING)

    def cancel(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("ThrottlingException")

    aws.handlers["CancelCommand"] = cancel
    assert isinstance(execute(times=SHORT), ExecutionTimedOut)
    assert records[0]["cancelled"].startswith("refused: CancelCommand: ThrottlingException")
    assert records[0]["cancelled"].endswith("unconfirmed")


def test_an_answer_that_comes_while_we_cancel_is_an_answer(aws: Any, execute: Any) -> None:
    aws.script = lambda _instance, _poll: DONE if "CancelCommand" in aws.names() else RUNNING
    assert isinstance(execute(times=SHORT), Output)


def test_only_the_hosts_that_are_late_are_cancelled(aws: Any, execute: Any) -> None:
    aws.script = lambda instance, _poll: DONE if instance == FIRST else RUNNING
    results = execute((FIRST, SECOND), SHORT)
    assert isinstance(results[FIRST], Output)
    assert isinstance(results[SECOND], ExecutionTimedOut)
    cancels = [parameters for name, parameters in aws.calls if name == "CancelCommand"]
    assert [cancel["InstanceIds"] for cancel in cancels] == [[SECOND]]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_wait_cancels_before_it_leaves(
    aws: Any, execute: Any, records: list[dict[str, Any]], interrupt: type[BaseException]
) -> None:
    aws.script = then(RUNNING)
    calls = itertools.count()

    def until() -> None:
        if next(calls) == 3:
            raise interrupt

    with pytest.raises(interrupt):
        execute(until=until)
    assert aws.names().count("CancelCommand") == 1
    assert records[0]["outcome"] == "abandoned"
    assert records[0]["cancelled"] == "asked"


@pytest.mark.parametrize(("delivery", "execution"), [(29, 60), (60, 4), (0, 60)])
def test_budgets_that_aws_would_refuse_or_change_silently_are_refused_here(delivery: int, execution: int) -> None:
    with pytest.raises(ValueError, match=r"SSM|agent"):
        CommandTimes(delivery, execution, 1.0)


def test_a_command_needs_one_to_fifty_hosts(execute: Any) -> None:
    for hosts in ((), tuple(f"i-{number:017x}" for number in range(51))):
        with pytest.raises(ValueError, match="hosts"):
            execute(hosts)
