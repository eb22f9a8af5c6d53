"""The whole way to the hosts: ladder, envelope, refusals, absence."""

import itertools
import subprocess
from typing import Any

import pytest

from e2e.hosts.access import HostAccess, HostAnswer, HostRef, require_success
from e2e.hosts.aws import AwsAccess, aws_access
from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.envelope import EnvelopeLimits
from e2e.hosts.errors import (
    AccessDenied,
    AgentOffline,
    EndpointRefused,
    HostNotRunning,
    InstanceTerminated,
    NotManaged,
    OutputCorrupt,
    OutputTruncated,
    ProgramFailed,
    Throttled,
    Undeliverable,
)
from e2e.hosts.polling import PollTimes

FIRST, SECOND, THIRD = (f"i-{number:017x}" for number in (1, 2, 3))
SLUG = "e2e-boot-0123abcd-89ef4567"
ECHO = b"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())\n"
BUDGETS: dict[str, Any] = {
    "delivery_seconds": 60,
    "execution_seconds": 60,
    "wall_deadline_seconds": 5.0,
    "comment": "x",
}


def really(text: str, _instance: str) -> str:
    """Run the shell text, as the agent on a host does."""
    done = subprocess.run(["sh"], input=text.encode(), env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


@pytest.fixture
def two(aws: Any, access: AwsAccess) -> tuple[HostRef, ...]:
    aws.machine(FIRST, f"tenant-{SLUG}")
    aws.machine(SECOND, f"ws-tenant-{SLUG}-1")
    aws.output = really
    return access.find()


def test_reach_climbs_every_rung_and_proves_the_way_once(aws: Any, access: AwsAccess, two: tuple[HostRef, ...]) -> None:
    steps: list[int] = []
    assert access.reach(lambda: steps.append(1)) == two
    assert access.reach(lambda: steps.append(1)) == two
    assert access.commands_sent == 1
    assert len(steps) >= 6
    aws.machine(THIRD, f"ws-tenant-{SLUG}-2")
    assert len(access.reach(lambda: None)) == 3
    assert access.commands_sent == 2
    assert aws.commands[-1]["InstanceIds"] == [THIRD]


def test_no_command_is_sent_below_the_last_rung(aws: Any, access: AwsAccess, two: tuple[HostRef, ...]) -> None:
    aws.pings[SECOND] = "ConnectionLost"
    with pytest.raises(AgentOffline):
        access.reach(lambda: None)
    aws.instances[1]["state"] = "pending"
    with pytest.raises(HostNotRunning):
        access.reach(lambda: None)
    assert access.commands_sent == 0


def test_a_managed_host_whose_echo_does_not_come_back_is_not_reached(
    aws: Any, access: AwsAccess, two: tuple[HostRef, ...]
) -> None:
    aws.script = lambda instance, _poll: (
        {"Status": "Failed", "StatusDetails": "Undeliverable", "ResponseCode": -1}
        if instance == SECOND
        else {"Status": "Success", "StatusDetails": "Success", "ResponseCode": 0}
    )
    with pytest.raises(Undeliverable) as caught:
        access.reach(lambda: None)
    assert caught.value.may_get_better
    aws.script = None
    access.reach(lambda: None)


def test_success_without_an_envelope_is_corrupt_output(aws: Any, access: AwsAccess, two: tuple[HostRef, ...]) -> None:
    """What an emulator does that never runs anything: Success, and nothing printed."""
    aws.output = lambda _text, _instance: ""
    with pytest.raises(OutputCorrupt) as caught:
        access.reach(lambda: None)
    assert caught.value.cause == "ssm-output-corrupt"


def test_an_answer_for_another_question_is_corrupt_output(
    aws: Any, access: AwsAccess, two: tuple[HostRef, ...]
) -> None:
    first: list[str] = []

    def replay(text: str, instance: str) -> str:
        first.append(really(text, instance))
        return first[0]

    aws.output = replay
    one = two[:1]
    assert isinstance(access.run(ECHO, one, argument=b"1", **BUDGETS)[FIRST], HostAnswer)
    assert isinstance(access.run(ECHO, one, argument=b"2", **BUDGETS)[FIRST], OutputCorrupt)


def test_interrupting_the_climb_ends_it(access: AwsAccess, two: tuple[HostRef, ...]) -> None:
    def until() -> None:
        raise TimeoutError("the stage's budget is over")

    with pytest.raises(TimeoutError):
        access.reach(until)


def test_a_program_answers_from_every_host(access: AwsAccess, two: tuple[HostRef, ...]) -> None:
    answers = access.run(ECHO + b"sys.exit(3)\n", two, argument=b"\x00\xff{{x}}", **BUDGETS)
    for instance_id in (FIRST, SECOND):
        answer = answers[instance_id]
        assert isinstance(answer, HostAnswer)
        assert (answer.stdout, answer.exit_code, answer.instance_id) == (b"\x00\xff{{x}}", 3, instance_id)
        with pytest.raises(ProgramFailed) as caught:
            require_success(answer)
        assert caught.value.cause == "probe-crashed"
    assert access.commands_sent == 1


@pytest.mark.parametrize(
    ("state", "ping", "kind"),
    [
        ("terminated", "", InstanceTerminated),
        ("stopped", "", HostNotRunning),
        ("running", "", NotManaged),
        ("running", "ConnectionLost", AgentOffline),
    ],
)
def test_a_refused_id_names_the_broken_rung_and_the_sound_host_still_answers(
    aws: Any, access: AwsAccess, two: tuple[HostRef, ...], state: str, ping: str, kind: type
) -> None:
    aws.instances[1]["state"] = state
    aws.pings.pop(SECOND)
    if ping:
        aws.pings[SECOND] = ping
    answers = access.run(ECHO, two, argument=b"x", **BUDGETS)
    assert type(answers[SECOND]) is kind
    assert isinstance(answers[FIRST], HostAnswer)
    assert aws.names().count("SendCommand") == 2
    assert aws.commands[0]["InstanceIds"] == [FIRST]


def test_a_refusal_without_a_broken_rung_is_still_an_error_for_all(
    aws: Any, access: AwsAccess, two: tuple[HostRef, ...], aws_error: Any
) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("InvalidInstanceId")

    aws.handlers["SendCommand"] = refuse
    answers = access.run(ECHO, two, **BUDGETS)
    assert [type(answer) for answer in answers.values()] == [NotManaged, NotManaged]
    assert aws.names().count("SendCommand") == 1


def test_a_send_that_fails_is_the_answer_of_every_host(
    aws: Any, access: AwsAccess, two: tuple[HostRef, ...], aws_error: Any
) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("AccessDeniedException")

    aws.handlers["SendCommand"] = refuse
    answers = access.run(ECHO, two, **BUDGETS)
    assert {key: type(answer) for key, answer in answers.items()} == {FIRST: AccessDenied, SECOND: AccessDenied}
    assert {getattr(answer, "instance_id", None) for answer in answers.values()} == {FIRST, SECOND}


def test_what_remains_is_everything_that_is_not_terminated(aws: Any, access: AwsAccess) -> None:
    states = ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]
    for number, state in enumerate(states):
        aws.machine(f"i-{number:017x}", f"ws-tenant-{SLUG}-{number}", state)
    aws.pages = 3
    assert [host.state for host in access.remaining_instances()] == states[:-1]


def test_absence_is_never_concluded_from_a_refused_question(aws: Any, access: AwsAccess, aws_error: Any) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error("RequestLimitExceeded", 503)

    aws.handlers["DescribeInstances"] = refuse
    with pytest.raises(Throttled):
        access.remaining_instances()


def test_the_account_comes_from_sts(access: AwsAccess) -> None:
    assert access.account() == "004200420042"


def test_no_host_at_all_is_a_mistake_of_the_caller(access: AwsAccess) -> None:
    with pytest.raises(ValueError, match="host"):
        access.run(ECHO, (), **BUDGETS)


def test_an_access_is_a_host_access_and_warms_its_clients(aws: Any, clients: AwsClients) -> None:
    made = aws_access(
        slug=SLUG,
        clients=[clients],
        control_plane_instance_id=lambda: None,
        poll=PollTimes.embedded(),
        audit=lambda _record: None,
    )
    port: HostAccess = made
    assert port.name == "aws-ssm"
    made.warm()
    assert made.find() == ()


def test_a_twin_without_credentials_of_its_own_is_refused() -> None:
    with pytest.raises(EndpointRefused):
        AwsClients(region="us-east-2", endpoint_url="http://127.0.0.1:1", credentials=None, poll=PollTimes.embedded())


@pytest.fixture
def two_regions(aws: Any, clients: AwsClients, elsewhere: AwsClients) -> AwsAccess:
    aws.machine(FIRST, f"tenant-{SLUG}")
    aws.machine(SECOND, f"ws-tenant-{SLUG}-1")
    aws.regions.update({FIRST: "eu-west-1", SECOND: "us-east-2"})
    aws.output = really
    return aws_access(
        slug=SLUG,
        clients=[clients, elsewhere],
        control_plane_instance_id=lambda: FIRST,
        poll=PollTimes.embedded(),
        audit=lambda _record: None,
    )


def test_hosts_of_two_regions_answer_each_through_its_own(aws: Any, two_regions: AwsAccess) -> None:
    hosts = two_regions.reach(lambda: None)
    answers = two_regions.run(ECHO, hosts, argument=b"x", **BUDGETS)
    assert {key: getattr(answer, "stdout", answer) for key, answer in answers.items()} == {FIRST: b"x", SECOND: b"x"}
    assert [one["InstanceIds"] for one in aws.commands].count([FIRST]) == 2
    assert two_regions.commands_sent == 4


def test_absence_needs_every_region(aws: Any, two_regions: AwsAccess, aws_error: Any) -> None:
    assert {host.instance_id for host in two_regions.remaining_instances()} == {FIRST, SECOND}
    aws.instances.clear()
    assert two_regions.remaining_instances() == ()

    def refuse(_: dict[str, Any]) -> None:
        if aws.asked.region == "eu-west-1":
            raise aws_error("RequestLimitExceeded", 503)

    aws.handlers["DescribeInstances"] = refuse
    with pytest.raises(Throttled):
        two_regions.remaining_instances()


def test_an_answer_of_many_pieces_ends_with_our_own_deadline(
    aws: Any, clients: AwsClients, two: tuple[HostRef, ...]
) -> None:
    now = itertools.count()
    access = aws_access(
        slug=SLUG,
        clients=[clients],
        control_plane_instance_id=lambda: FIRST,
        poll=PollTimes.embedded(),
        audit=lambda _record: None,
        limits=EnvelopeLimits(text_bytes=2_000, spool_seconds=20),
        monotonic=lambda: float(next(now)),
        sleep=lambda _seconds: None,
    )
    noise = b"import random,sys\nsys.stdout.buffer.write(random.Random(1).randbytes(40000))\n"
    budgets = {**BUDGETS, "wall_deadline_seconds": 20.0}
    answer = access.run(noise, two[:1], **budgets)[FIRST]
    assert isinstance(answer, OutputTruncated), answer
    assert answer.instance_id == FIRST
    assert "within 20 s" in str(answer)
