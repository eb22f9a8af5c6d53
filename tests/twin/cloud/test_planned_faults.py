"""Faults of the cloud as boto3 meets them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from e2e.twin.cloud.planned_faults import OTHER_ACCOUNT
from e2e.twin.cloud.spoiling import BANNER, LAST_LINE

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud, FaultyCloudFactory

Eventually = Callable[[Callable[[], bool]], None]
Acted = Callable[[str], int]


def code_of(call: Callable[[], object]) -> str:
    """Make a call that is refused and return the code of the refusal."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def answers(call: Callable[[], object]) -> bool:
    """Say whether a call is carried out by now."""
    try:
        call()
    except ClientError:
        return False
    return True


def pings(cloud: "Cloud") -> dict[str, str]:
    listed = cloud.ssm.describe_instance_information()["InstanceInformationList"]
    return {one["InstanceId"]: one["PingStatus"] for one in listed}


def end(cloud: "Cloud", instance_id: str, *commands: str) -> tuple[str, str, int, str]:
    """Run a script and return status, details, code and output."""
    found = cloud.run(instance_id, *commands)
    return found["Status"], found["StatusDetails"], found["ResponseCode"], found["StandardOutputContent"]


def send_unheard(cloud: "Cloud", instance_id: str, *commands: str, comment: str = "") -> None:
    """Send a command whose answer gets lost."""
    with pytest.raises(ConnectionClosedError):
        cloud.send(instance_id, *commands, comment=comment)


# --- registration and agents ------------------------------------------------------------------------------------------


def test_a_machine_that_is_not_managed_runs_and_takes_no_commands(
    make_faulty_cloud: "FaultyCloudFactory", acted: Acted
) -> None:
    cloud = make_faulty_cloud("ssm-not-managed")
    instance_id = cloud.launch()
    assert pings(cloud) == {}
    assert code_of(lambda: cloud.send(instance_id, "true")) == "InvalidInstanceId"
    assert cloud.ssm.get_connection_status(Target=instance_id)["Status"] == "notconnected"
    (reservation,) = cloud.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "running"
    assert acted("ssm-not-managed") > 0


def test_one_machine_of_two_may_be_the_one_that_is_not_managed(make_faulty_cloud: "FaultyCloudFactory") -> None:
    cloud = make_faulty_cloud("ssm-not-managed:machine=2")
    first = cloud.launch("one")
    cloud.launch("two")
    assert pings(cloud) == {first: "Online"}


def test_a_late_registration_comes_after_its_seconds(
    make_faulty_cloud: "FaultyCloudFactory", eventually: Eventually, acted: Acted
) -> None:
    cloud = make_faulty_cloud("late-ssm-registration:seconds=50")
    began = time.monotonic()
    instance_id = cloud.launch()
    assert pings(cloud) == {}
    eventually(lambda: pings(cloud) == {instance_id: "Online"})
    assert time.monotonic() - began >= 0.5
    assert acted("late-ssm-registration") > 0
    assert end(cloud, instance_id, "echo hello")[3] == "hello\n"


def test_an_agent_that_lost_its_connection_is_listed_and_cannot_be_reached(
    make_faulty_cloud: "FaultyCloudFactory",
) -> None:
    cloud = make_faulty_cloud("ssm-agent-offline:machine=1")
    lost, fine = cloud.launch("one"), cloud.launch("two")
    assert pings(cloud) == {lost: "ConnectionLost", fine: "Online"}
    wanted: list[Any] = [{"Key": "PingStatus", "Values": ["ConnectionLost"]}]
    (found,) = cloud.ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"]
    assert found["InstanceId"] == lost
    assert cloud.ssm.get_connection_status(Target=lost)["Status"] == "notconnected"
    assert end(cloud, lost, "true") == ("Failed", "Undeliverable", -1, "")
    assert end(cloud, fine, "true")[0] == "Success"


# --- calls ------------------------------------------------------------------------------------------------------------


def test_the_first_reads_of_every_command_find_nothing(make_faulty_cloud: "FaultyCloudFactory", acted: Acted) -> None:
    cloud = make_faulty_cloud("ssm-lag:polls=3", speed=10_000)
    instance_id = cloud.launch()
    for _ in range(2):
        command_id = cloud.send(instance_id, "true")
        assert cloud.ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"] == []
        assert cloud.status(command_id, instance_id) == ""
        assert cloud.ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"] == []
        assert cloud.result(command_id, instance_id)["Status"] == "Success"
    assert acted("ssm-lag") == 2


def test_a_share_of_the_calls_is_throttled_and_the_seed_says_which(
    make_faulty_cloud: "FaultyCloudFactory", acted: Acted
) -> None:
    def throttled(seed: int) -> list[int]:
        cloud = make_faulty_cloud("ssm-throttled:rate=0.2", seed=seed)
        hits = []
        for number in range(100):
            try:
                cloud.ssm.list_commands()
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ThrottlingException"
                hits.append(number)
        assert cloud.ec2.describe_instances()["Reservations"] == []
        return hits

    first, again, other = throttled(1), throttled(1), throttled(2)
    assert first == again
    assert first != other
    assert acted("ssm-throttled") == len(first) + len(again) + len(other)
    for hits in (first, other):
        assert 8 <= len(hits) <= 35


def test_a_share_of_nothing_never_acts(make_faulty_cloud: "FaultyCloudFactory", acted: Acted) -> None:
    cloud = make_faulty_cloud("ssm-throttled:rate=0", "ssm-lost-answer:rate=0", "ssm-server-errors:rate=0")
    assert end(cloud, cloud.launch(), "true")[0] == "Success"
    assert [acted(name) for name in ("ssm-throttled", "ssm-lost-answer", "ssm-server-errors")] == [0, 0, 0]


def test_a_throttled_command_did_not_run(
    make_faulty_cloud: "FaultyCloudFactory", tmp_path: Path, eventually: Eventually
) -> None:
    cloud = make_faulty_cloud("ssm-throttled:heal=20")
    instance_id, mark = cloud.launch(), tmp_path / "ran"
    assert code_of(lambda: cloud.send(instance_id, f"touch {mark}")) == "ThrottlingException"
    eventually(lambda: answers(cloud.ssm.list_commands))
    assert cloud.ssm.list_commands()["Commands"] == []
    assert not mark.exists()


def test_a_lost_answer_leaves_the_command_running_and_listed_once(
    make_faulty_cloud: "FaultyCloudFactory", tmp_path: Path, acted: Acted
) -> None:
    cloud = make_faulty_cloud("ssm-lost-answer")
    instance_id, mark = cloud.launch(), tmp_path / "ran"
    send_unheard(cloud, instance_id, f"echo once >> {mark}", comment="nonce-1")
    (command,) = cloud.ssm.list_commands()["Commands"]
    assert command["Comment"] == "nonce-1"
    assert cloud.result(command["CommandId"], instance_id)["Status"] == "Success"
    assert mark.read_text() == "once\n"
    assert acted("ssm-lost-answer") == 1


def test_a_slow_service_answers_late_and_the_others_do_not(
    make_faulty_cloud: "FaultyCloudFactory", acted: Acted
) -> None:
    cloud = make_faulty_cloud("ssm-slow:seconds=30")
    began = time.monotonic()
    cloud.ssm.list_commands()
    assert time.monotonic() - began >= 0.3
    cloud.ec2.describe_instances()
    assert acted("ssm-slow") == 1


def test_denied_operations_are_those_that_were_named(make_faulty_cloud: "FaultyCloudFactory") -> None:
    cloud = make_faulty_cloud("aws-access-denied:send_command=1")
    instance_id = cloud.launch()
    assert pings(cloud) == {instance_id: "Online"}
    assert code_of(lambda: cloud.send(instance_id, "true")) == "AccessDeniedException"
    assert cloud.ssm.list_commands()["Commands"] == []


def test_without_a_name_all_of_ssm_is_denied_and_nothing_else(make_faulty_cloud: "FaultyCloudFactory") -> None:
    cloud = make_faulty_cloud("aws-access-denied")
    assert code_of(lambda: pings(cloud)) == "AccessDeniedException"
    assert cloud.ec2.describe_instances()["Reservations"] == []
    assert cloud.sts.get_caller_identity()["Account"] == "123456789012"


def test_the_account_may_be_another_one(make_faulty_cloud: "FaultyCloudFactory") -> None:
    identity = make_faulty_cloud("not-a-staging-target").sts.get_caller_identity()
    assert identity["Account"] == OTHER_ACCOUNT
    assert identity["Arn"] == f"arn:aws:iam::{OTHER_ACCOUNT}:user/embedded-staging"


def test_a_token_that_is_renewed_is_taken_again(
    make_faulty_cloud: "FaultyCloudFactory", eventually: Eventually
) -> None:
    cloud = make_faulty_cloud("aws-credentials-expired:heal=30")
    assert code_of(cloud.sts.get_caller_identity) == "ExpiredToken"
    eventually(lambda: answers(cloud.sts.get_caller_identity))


# --- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("ssm-undeliverable:after=1", ("Failed", "Undeliverable", -1, "")),
        ("ssm-delivery-timeout:after=1", ("TimedOut", "DeliveryTimedOut", -1, "")),
        ("ssm-execution-timeout:after=1", ("TimedOut", "ExecutionTimedOut", 137, "")),
        ("ssm-unknown-status:after=1", ("Failed", "ServiceInterrupted", 0, "hello\n")),
        ("ssm-output-corrupt:after=1,empty=1", ("Success", "Success", 0, "")),
        ("ssm-output-corrupt:after=1,doubled=1", ("Success", "Success", 0, "hello\nhello\n")),
        ("ssm-output-corrupt:after=1,cut=1", ("Success", "Success", 0, "hel")),
        ("ssm-output-corrupt:after=1", ("Success", "Success", 0, "helAo\n")),
    ],
)
def test_the_first_command_of_a_machine_goes_well_and_the_next_does_not(
    make_faulty_cloud: "FaultyCloudFactory", acted: Acted, fault: str, found: tuple[str, str, int, str]
) -> None:
    cloud = make_faulty_cloud(fault, speed=10_000)
    instance_id = cloud.launch()
    well = ("Success", "Success", 0, "hello\n")
    assert end(cloud, instance_id, "echo hello") == well
    assert end(cloud, instance_id, "echo hello") == found
    assert end(cloud, cloud.launch("another"), "echo hello") == well
    assert acted(fault.partition(":")[0]) == 1


def test_what_is_never_delivered_stays_pending_and_never_runs(
    make_faulty_cloud: "FaultyCloudFactory", tmp_path: Path, eventually: Eventually
) -> None:
    cloud = make_faulty_cloud("ssm-delivery-timeout:heal=400")
    lost, fine = cloud.launch("one"), cloud.launch("two")
    command_id = cloud.send(lost, f"touch {tmp_path / 'ran'}", delivery=100_000)
    # The fault heals, and what was lost before stays lost.
    eventually(lambda: cloud.run(fine, "true")["Status"] == "Success")
    assert cloud.status(command_id, lost) == "Pending"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("executed", [0, 1])
def test_an_undeliverable_command_may_have_run(
    make_faulty_cloud: "FaultyCloudFactory", tmp_path: Path, eventually: Eventually, executed: int
) -> None:
    cloud = make_faulty_cloud(f"ssm-undeliverable:executed={executed}")
    instance_id, mark = cloud.launch(), tmp_path / "ran"
    assert end(cloud, instance_id, f"touch {mark}") == ("Failed", "Undeliverable", -1, "")
    if executed:
        eventually(mark.exists)
    assert mark.exists() == bool(executed)


def test_a_dead_agent_leaves_a_command_in_progress_and_a_cancel_does_not_end_it(
    make_faulty_cloud: "FaultyCloudFactory", eventually: Eventually
) -> None:
    cloud = make_faulty_cloud("ssm-execution-timeout:stuck=1", speed=10_000)
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "true", delivery=30, executionTimeout="5")
    eventually(lambda: cloud.status(command_id, instance_id) == "InProgress")
    cloud.ssm.cancel_command(CommandId=command_id)
    for _ in range(5):
        assert cloud.status(command_id, instance_id) == "Cancelling"


def test_a_timed_out_command_says_that_it_used_its_whole_budget(make_faulty_cloud: "FaultyCloudFactory") -> None:
    cloud = make_faulty_cloud("ssm-execution-timeout", speed=1000)
    found = cloud.run(cloud.launch(), "true", executionTimeout="90")
    assert found["ExecutionElapsedTime"] == "PT1M30S"


def test_noise_stands_around_an_output_that_is_whole(make_faulty_cloud: "FaultyCloudFactory") -> None:
    cloud = make_faulty_cloud("ssm-output-noise")
    *_, output = end(cloud, cloud.launch(), "echo hello")
    assert output == f"{BANNER.decode()}hello\n{LAST_LINE.decode()}"


def test_a_command_that_runs_twice_is_reported_once(make_faulty_cloud: "FaultyCloudFactory", tmp_path: Path) -> None:
    cloud = make_faulty_cloud("ssm-duplicate-execution")
    *_, output = end(cloud, cloud.launch(), f"echo once >> {tmp_path / 'ran'}; echo hello")
    assert output == "hello\n"
    assert (tmp_path / "ran").read_text() == "once\nonce\n"


# --- machines ---------------------------------------------------------------------------------------------------------


def state(cloud: "Cloud", instance_id: str) -> str:
    (reservation,) = cloud.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]["State"]["Name"]


def test_a_machine_is_terminated_while_it_runs_a_command_and_nobody_hears_of_that_again(
    make_faulty_cloud: "FaultyCloudFactory", eventually: Eventually, acted: Acted
) -> None:
    cloud = make_faulty_cloud("instance-terminated:machine=2,command=2")
    fine, doomed = cloud.launch("one"), cloud.launch("two")
    for instance_id in (fine, fine, doomed):
        assert end(cloud, instance_id, "true")[0] == "Success"
    assert acted("instance-terminated") == 0
    command_id = cloud.send(doomed, "true")
    eventually(lambda: state(cloud, doomed) == "terminated")
    assert cloud.status(command_id, doomed) == "InProgress"
    assert state(cloud, fine) == "running"
    assert pings(cloud) == {fine: "Online"}
    assert acted("instance-terminated") == 1


def test_a_machine_is_terminated_some_time_after_it_came_up(
    make_faulty_cloud: "FaultyCloudFactory", eventually: Eventually, acted: Acted
) -> None:
    cloud = make_faulty_cloud("instance-terminated:machine=1,seconds=20")
    began = time.monotonic()
    doomed, fine = cloud.launch("one"), cloud.launch("two")
    eventually(lambda: state(cloud, doomed) == "terminated")
    assert time.monotonic() - began >= 0.2
    assert state(cloud, fine) == "running"
    assert acted("instance-terminated") == 1


def test_what_has_ended_cannot_be_asked_about(make_faulty_cloud: "FaultyCloudFactory", acted: Acted) -> None:
    cloud = make_faulty_cloud("absence-unprovable")
    instance_id = cloud.launch()
    assert state(cloud, instance_id) == "running"
    cloud.ec2.terminate_instances(InstanceIds=[instance_id])
    assert code_of(lambda: state(cloud, instance_id)) == "InternalError"
    assert acted("absence-unprovable") == 1


def test_ec2_can_be_left_alone(make_faulty_cloud: "FaultyCloudFactory") -> None:
    cloud = make_faulty_cloud("absence-unprovable:ec2=0")
    instance_id = cloud.launch()
    cloud.ec2.terminate_instances(InstanceIds=[instance_id])
    assert state(cloud, instance_id) in ("shutting-down", "terminated")
