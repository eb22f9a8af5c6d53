"""One polling loop for all commands of a process: requests per run fall when runs grow."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.command import CommandTimes, Output
from e2e.hosts.errors import Throttled
from e2e.hosts.polling import PollTimes
from e2e.hosts.ssm import SsmTransport
from e2e.hosts.watching import InvocationWatch

AT = datetime(2026, 6, 20, 12, 0, 0, tzinfo=UTC)
SLOW = PollTimes(0.1, 1.0, 0.1, 0.2, 2, 0.1, 0.2, 10.0)


@pytest.fixture
def watch(clients: AwsClients) -> InvocationWatch:
    return InvocationWatch(clients.ssm)


@pytest.fixture
def cloud(aws: Any) -> Iterator[Any]:
    """A cloud with a busy account: commands are listed for all who ask, page by page."""
    strangers: list[dict[str, Any]] = []
    aws.strangers = strangers

    def listing(parameters: dict[str, Any]) -> dict[str, Any]:
        rows = [row(one["CommandId"], target) for one in aws.commands for target in one["InstanceIds"]] + strangers
        if "CommandId" in parameters:
            return {"CommandInvocations": [one for one in rows if one["CommandId"] == parameters["CommandId"]]}
        begin = int(parameters.get("NextToken") or 0)
        more = {"NextToken": str(begin + 50)} if begin + 50 < len(rows) else {}
        return {"CommandInvocations": rows[begin : begin + 50], **more}

    aws.handlers["ListCommandInvocations"] = listing
    yield aws


def row(command_id: str, instance_id: str) -> dict[str, Any]:
    return {"CommandId": command_id, "InstanceId": instance_id, "Status": "InProgress", "StatusDetails": "InProgress"}


def accepted(cloud: Any, watch: InvocationWatch, count: int, at: datetime | None = AT) -> list[str]:
    ids = []
    for number in range(count):
        command = cloud.accept({"Comment": "", "InstanceIds": [f"i-{number:017x}"]})
        watch.follow(command["CommandId"], at)
        ids.append(command["CommandId"])
    return ids


def test_one_list_tells_of_all_commands(cloud: Any, watch: InvocationWatch) -> None:
    ids = accepted(cloud, watch, 10)
    for command_id in ids:
        rows = watch.rows(command_id, not_before=0.0, monotonic=lambda: 1.0)
        assert [one["CommandId"] for one in rows] == [command_id]
    assert cloud.names() == ["ListCommandInvocations"]
    asked = cloud.calls[0][1]
    assert asked["Filters"] == [{"key": "InvokedAfter", "value": "2026-06-20T11:59:58Z"}]


def test_an_answer_that_is_too_old_is_asked_for_again(cloud: Any, watch: InvocationWatch) -> None:
    first, second = accepted(cloud, watch, 2)
    watch.rows(first, not_before=0.0, monotonic=lambda: 1.0)
    watch.rows(second, not_before=1.5, monotonic=lambda: 2.0)
    assert len(cloud.calls) == 2


def test_a_command_that_came_later_is_never_told_from_an_older_answer(cloud: Any, watch: InvocationWatch) -> None:
    (first,) = accepted(cloud, watch, 1)
    watch.rows(first, not_before=0.0, monotonic=lambda: 1.0)
    (second,) = accepted(cloud, watch, 1)
    assert len(watch.rows(second, not_before=0.0, monotonic=lambda: 1.0)) == 1


def test_one_command_alone_is_asked_for_by_its_id(cloud: Any, watch: InvocationWatch) -> None:
    (first,) = accepted(cloud, watch, 1)
    watch.rows(first, not_before=0.0, monotonic=lambda: 1.0)
    assert cloud.calls[0][1]["CommandId"] == first


def test_commands_whose_time_is_unknown_are_asked_for_by_their_ids(cloud: Any, watch: InvocationWatch) -> None:
    for command_id in accepted(cloud, watch, 3, at=None):
        assert len(watch.rows(command_id, not_before=0.0, monotonic=lambda: 1.0)) == 1
    assert [parameters.get("CommandId") is not None for _, parameters in cloud.calls] == [True] * 3


def test_where_strangers_fill_the_list_nobody_pays_more_than_before(cloud: Any, watch: InvocationWatch) -> None:
    cloud.strangers += [row("f" * 36, f"i-{number:017x}") for number in range(500)]
    first, second = accepted(cloud, watch, 2)
    cloud.commands.reverse()
    cloud.strangers += [row("e" * 36, "i-1")]
    for command_id in (first, second):
        assert len(watch.rows(command_id, not_before=0.0, monotonic=lambda: 1.0)) == 1
    assert len(cloud.calls) == 2 + 2


def test_a_failure_is_shared_as_well_and_does_not_last(cloud: Any, watch: InvocationWatch, aws_error: Any) -> None:
    first, second = accepted(cloud, watch, 2)
    listing = cloud.handlers["ListCommandInvocations"]

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("AccessDeniedException")

    cloud.handlers["ListCommandInvocations"] = refuse
    for command_id in (first, second):
        with pytest.raises(Exception, match="AccessDenied"):
            watch.rows(command_id, not_before=0.0, monotonic=lambda: 1.0)
    assert len(cloud.calls) == 1
    cloud.handlers["ListCommandInvocations"] = listing
    assert watch.rows(first, not_before=1.5, monotonic=lambda: 2.0)


def test_a_command_that_was_forgotten_is_not_asked_for(cloud: Any, watch: InvocationWatch) -> None:
    first, second = accepted(cloud, watch, 2)
    watch.forget(second)
    watch.rows(first, not_before=0.0, monotonic=lambda: 1.0)
    assert cloud.calls[0][1]["CommandId"] == first


@pytest.fixture
def at_once(aws: Any, clients: AwsClients) -> Callable[[int], float]:
    """Run as many commands as asked, all ending 1.5 s after the last was sent; return the requests per run."""

    def run(count: int) -> float:
        aws.calls.clear()
        aws.commands.clear()
        lock = threading.Lock()
        last_send = [0.0]

        def send(parameters: dict[str, Any]) -> dict[str, Any]:
            with lock:
                command = aws.accept(parameters)
                last_send[0] = time.monotonic()
            return {"Command": {"CommandId": command["CommandId"], "RequestedDateTime": AT.timestamp()}}

        def listing(parameters: dict[str, Any]) -> dict[str, Any]:
            with lock:
                over = len(aws.commands) == count and time.monotonic() > last_send[0] + 1.5
                rows = [row(one["CommandId"], one["InstanceIds"][0]) for one in aws.commands]
            if over:
                rows = [{**one, "Status": "Success", "StatusDetails": "Success"} for one in rows]
            wanted = parameters.get("CommandId")
            return {"CommandInvocations": [one for one in rows if wanted in {None, one["CommandId"]}]}

        aws.handlers.update(SendCommand=send, ListCommandInvocations=listing)
        results: list[Any] = []

        def one_run(number: int) -> None:
            instance_id = f"i-{number:017x}"
            transport = SsmTransport(clients, SLOW, lambda _record: None)
            times = CommandTimes(60, 60, 30.0)
            results.append(transport.execute("echo", [instance_id], times, comment="x", idempotent=False)[instance_id])

        threads = [threading.Thread(target=one_run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == count
        assert all(isinstance(one, Output) for one in results), results
        return len(aws.calls) / count

    return run


def test_requests_per_run_fall_when_runs_grow(at_once: Callable[[int], float]) -> None:
    alone, few, many = at_once(1), at_once(5), at_once(10)
    assert alone > 1.5 * few
    assert alone > 1.5 * many


def test_a_throttled_list_is_trouble_and_not_an_end(aws: Any, transport: Any, aws_error: Any) -> None:
    aws.machine("i-00000000000000001")

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("ThrottlingException")

    aws.handlers["ListCommandInvocations"] = refuse
    times = CommandTimes(60, 60, 0.3)
    result = transport.execute("echo", ["i-00000000000000001"], times, comment="x", idempotent=False)
    assert isinstance(result["i-00000000000000001"], Throttled)
