"""Run Command through boto3: what is asked for really happens on the host."""

import base64
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from e2e.twin.cloud.ssm import execution_seconds
from e2e.twin.hosts.container import ContainerSpec
from e2e.twin.hosts.processes import marked

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud, CloudFactory

Eventually = Callable[[Callable[[], bool]], None]


def _error(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def _running(cloud: "Cloud", command_id: str) -> list[int]:
    """Return the processes of a command; ids are seeded, so only the fleet's folder makes them ours."""
    return marked(f"SSM_COMMAND_ID={command_id}", folder=str(cloud.fleet.folder))


def test_a_script_that_nobody_foresaw_gives_its_bytes_back(cloud: "Cloud") -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    content = chance.randbytes(9_000)
    spoken = base64.b64encode(content).decode()
    instance_id = cloud.launch()
    script = (
        f"#!/bin/sh\nset -eu\ncd /\nbase64 -d <<'END' | od -An -v -tx1 | tr -d ' \\n' | cut -c1-8000\n{spoken}\nEND\n"
    )
    found = cloud.run(instance_id, *script.splitlines())
    assert found["StandardOutputContent"] == content.hex()[:8000] + "\n", f"seed {seed}"
    assert cloud.raw(instance_id, f"printf %s {spoken} | base64 -d | base64 -w0") == content, f"seed {seed}"


@pytest.mark.parametrize("size", [23_999, 24_000, 24_001])
def test_output_is_cut_to_the_byte(cloud: "Cloud", size: int) -> None:
    instance_id = cloud.launch()
    found = cloud.run(instance_id, f"head -c {size} /dev/zero | tr '\\0' x; head -c {size} /dev/zero | tr '\\0' e >&2")
    whole = "x" * size if size < 24_000 else "x" * 23_980 + "--output truncated--"
    assert found["StandardOutputContent"] == whole
    assert found["StandardErrorContent"] == "e" * 8_000


def test_the_answer_is_complete(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    found = cloud.run(instance_id, "echo out", "echo err >&2", "exit 3")
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("Failed", "Failed", 3)
    assert found["StandardOutputContent"] == "out\n"
    assert found["StandardErrorContent"] == "err\nfailed to run commands: exit status 3"
    assert found["ExecutionStartDateTime"].endswith("Z")
    assert found["ExecutionElapsedTime"].startswith("PT")
    assert found["PluginName"] == "aws:runShellScript"


@pytest.mark.parametrize(("code", "status"), [(0, "Success"), (1, "Failed"), (168, "Success"), (137, "TimedOut")])
def test_exit_codes_have_the_meaning_that_the_agent_gives_them(cloud: "Cloud", code: int, status: str) -> None:
    found = cloud.run(cloud.launch(), f"exit {code}")
    assert (found["ResponseCode"], found["Status"]) == (code, status)


def test_only_the_last_command_counts(cloud: "Cloud") -> None:
    assert cloud.run(cloud.launch(), "false", "true")["Status"] == "Success"


def test_a_script_sees_a_poor_environment_and_the_hosts_docker(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    lines = cloud.run(instance_id, "env; docker ps -q; command -v python3")["StandardOutputContent"].splitlines()
    host = cloud.fleet.host(instance_id)
    variables = dict(line.split("=", 1) for line in lines[:-1])
    assert set(variables) == {"PATH", "PWD", "AWS_SSM_INSTANCE_ID", "AWS_SSM_REGION_NAME", "SSM_COMMAND_ID"}
    assert variables["AWS_SSM_INSTANCE_ID"] == instance_id
    assert variables["PWD"].startswith(f"{host.folder}/orchestration/")
    assert lines[-1] == f"{host.folder}/bin/python3"


def test_first_nobody_knows_the_invocation_then_it_waits_and_then_it_ends(make_cloud: "CloudFactory") -> None:
    cloud = make_cloud(speed=2)
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "true")
    assert cloud.status(command_id, instance_id) == ""
    assert cloud.ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"] == []
    (command,) = cloud.ssm.list_commands(CommandId=command_id)["Commands"]
    assert command["Status"] == "Pending"
    seen: list[str] = []
    deadline = time.monotonic() + 10
    while "Success" not in seen and time.monotonic() < deadline:
        status = cloud.status(command_id, instance_id)
        seen += [status] if [status] != seen[-1:] else []
    assert [status for status in seen if status != "InProgress"] == ["", "Pending", "Success"]


def test_there_is_no_output_while_it_runs(cloud: "Cloud", eventually: Eventually) -> None:
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "echo early; sleep 600")
    eventually(lambda: bool(_running(cloud, command_id)))
    found = cloud.ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
    assert (found["Status"], found["ResponseCode"], found["StandardOutputContent"]) == ("InProgress", -1, "")
    cloud.ssm.cancel_command(CommandId=command_id)
    assert cloud.result(command_id, instance_id)["StandardOutputContent"] == "early\n"


def test_the_execution_timeout_kills_and_is_not_the_delivery_timeout(make_cloud: "CloudFactory") -> None:
    cloud = make_cloud(speed=100, real_floor=0.2)
    instance_id = cloud.launch()
    command_id = cloud.send(
        instance_id, "echo partial; setsid sleep 600 & sleep 600", executionTimeout="20", delivery=500
    )
    found = cloud.result(command_id, instance_id)
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", 137)
    assert found["StandardOutputContent"] == "partial\n"
    assert _running(cloud, command_id) == []


def test_what_waits_behind_another_command_can_run_out_of_delivery_time(make_cloud: "CloudFactory") -> None:
    cloud = make_cloud(speed=100, real_floor=0.2)
    instance_id = cloud.launch()
    first = cloud.send(instance_id, "sleep 600", executionTimeout="100000")
    second = cloud.send(instance_id, "echo never", delivery=30)
    found = cloud.result(second, instance_id)
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("TimedOut", "DeliveryTimedOut", -1)
    (command,) = cloud.ssm.list_commands(CommandId=second)["Commands"]
    assert command["DeliveryTimedOutCount"] == 1
    cloud.ssm.cancel_command(CommandId=first)
    assert cloud.result(first, instance_id)["Status"] == "Cancelled"


def test_commands_of_one_machine_run_one_after_another_and_machines_side_by_side(cloud: "Cloud") -> None:
    one, two = cloud.launch("one"), cloud.launch("two")
    shared = cloud.fleet.folder / "order"
    ids = [cloud.send(one, f"echo a{number} >> {shared}; echo b{number} >> {shared}") for number in range(4)]
    for command_id in ids:
        cloud.result(command_id, one)
    assert shared.read_text().split() == [f"{letter}{number}" for number in range(4) for letter in "ab"]
    blocker = cloud.send(one, "sleep 600")
    assert cloud.run(two, "true")["Status"] == "Success"
    cloud.ssm.cancel_command(CommandId=blocker)


def test_a_running_command_can_be_cancelled_and_takes_its_family_along(cloud: "Cloud", eventually: Eventually) -> None:
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "setsid sleep 600 & sleep 600")
    eventually(lambda: len(_running(cloud, command_id)) >= 3)
    cloud.ssm.cancel_command(CommandId=command_id, InstanceIds=[instance_id])
    found = cloud.result(command_id, instance_id)
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("Cancelled", "Cancelled", 137)
    assert _running(cloud, command_id) == []
    cloud.ssm.cancel_command(CommandId=command_id)
    assert cloud.result(command_id, instance_id)["Status"] == "Cancelled"


def test_a_timeout_reaches_into_containers(make_cloud: "CloudFactory", eventually: Eventually) -> None:
    cloud = make_cloud(speed=100, real_floor=0.3)
    spec = ContainerSpec("box", "i:1", "sha256:0", ("sleep", "600"), {}, {}, lambda _rootfs: None, mount_configs=True)
    instance_id = cloud.launch(on_running=lambda host: host.run_container(spec))
    eventually(lambda: bool(cloud.fleet.host(instance_id).containers()))
    command_id = cloud.send(instance_id, "docker exec box sleep 600", executionTimeout="5")
    container = cloud.fleet.host(instance_id).container("box")
    assert cloud.result(command_id, instance_id)["StatusDetails"] == "ExecutionTimedOut"
    assert marked(f"CONTAINER_ID={container.container_id}", folder=str(cloud.fleet.folder)) == [container.pid]


def test_a_machine_terminated_in_the_middle_leaves_the_command_in_progress(
    cloud: "Cloud", eventually: Eventually
) -> None:
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "sleep 600")
    eventually(lambda: bool(_running(cloud, command_id)))
    cloud.ec2.terminate_instances(InstanceIds=[instance_id])
    assert _running(cloud, command_id) == []
    assert cloud.status(command_id, instance_id) == "InProgress"


def test_the_waiter_of_botocore_is_served(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "true")
    cloud.ssm.get_waiter("command_executed").wait(
        CommandId=command_id, InstanceId=instance_id, WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )


def test_a_lost_send_is_found_again_by_its_comment(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    for nonce in ("nonce-1", "nonce-2", "nonce-3"):
        cloud.send(instance_id, "true", comment=nonce)
    first = cloud.ssm.list_commands(InstanceId=instance_id, MaxResults=2)
    second = cloud.ssm.list_commands(InstanceId=instance_id, MaxResults=2, NextToken=first["NextToken"])
    comments = [command["Comment"] for command in first["Commands"] + second["Commands"]]
    assert comments == ["nonce-3", "nonce-2", "nonce-1"]
    assert "NextToken" not in second


def test_commands_and_invocations_are_filtered(cloud: "Cloud") -> None:
    instance_id, other = cloud.launch("one"), cloud.launch("two")
    good, bad = cloud.send(instance_id, "echo fine"), cloud.send(instance_id, "exit 1")
    foreign = cloud.send(other, "true")
    for command_id, where in ((good, instance_id), (bad, instance_id), (foreign, other)):
        cloud.result(command_id, where)

    def invocations(**arguments: Any) -> set[str]:
        rows = cloud.ssm.list_command_invocations(**arguments)["CommandInvocations"]
        return {row["CommandId"] for row in rows}

    def commands(key: Any, value: str) -> set[str]:
        return {row["CommandId"] for row in cloud.ssm.list_commands(Filters=[{"key": key, "value": value}])["Commands"]}

    assert invocations() == {good, bad, foreign}
    assert invocations(InstanceId=other) == {foreign}
    assert invocations(CommandId=good) == {good}
    assert invocations(CommandId="0" * 36) == set()
    assert invocations(Filters=[{"key": "Status", "value": "Failed"}]) == {bad}
    assert commands("Status", "Failed") == {bad}
    assert commands("InvokedAfter", "2000-01-01T00:00:00Z") == {good, bad, foreign}
    assert commands("InvokedBefore", "2000-01-01T00:00:00Z") == set()
    assert commands("ExecutionStage", "Executing") == set()
    assert commands("DocumentName", "AWS-RunShellScript") == {good, bad, foreign}
    assert _error(lambda: commands("InvokedAfter", "yesterday")) == "ValidationException"
    assert _error(lambda: cloud.ssm.list_commands(NextToken="stale")) == "InvalidNextToken"


def test_details_bring_a_short_summary(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    command_id = cloud.send(instance_id, "head -c 5000 /dev/zero | tr '\\0' x; echo oops >&2")
    cloud.result(command_id, instance_id)
    (row,) = cloud.ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
    (plugin,) = row["CommandPlugins"]
    assert plugin["Name"] == "aws:runShellScript"
    assert len(plugin["Output"]) <= 2500
    assert plugin["Output"].endswith("\n----------ERROR-------\noops\n")
    (row,) = cloud.ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
    assert row["CommandPlugins"] == []


def test_a_fleet_is_reached_by_its_tags(cloud: "Cloud") -> None:
    ids = {cloud.launch(f"host-{number}", role="tenant") for number in range(3)}
    cloud.launch("other", role="worker")
    cloud.launch("unmanaged", managed=False, role="tenant")
    command = cloud.ssm.send_command(
        Targets=[{"Key": "tag:role", "Values": ["tenant"]}],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["echo $AWS_SSM_INSTANCE_ID"]},
    )["Command"]
    assert command["TargetCount"] == 3
    outputs = {one: cloud.result(command["CommandId"], one)["StandardOutputContent"] for one in ids}
    assert outputs == {one: f"{one}\n" for one in ids}
    (listed,) = cloud.ssm.list_commands(CommandId=command["CommandId"])["Commands"]
    assert (listed["Status"], listed["CompletedCount"], listed["ErrorCount"]) == ("Success", 3, 0)


def test_a_tag_that_nobody_has_reaches_nobody_and_says_so(cloud: "Cloud") -> None:
    command = cloud.ssm.send_command(
        Targets=[{"Key": "tag:role", "Values": ["ghost"]}],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["true"]},
    )["Command"]
    assert (command["StatusDetails"], command["TargetCount"]) == ("NoInstancesInTag", 0)


def _send(cloud: "Cloud", instance_id: str, **changes: Any) -> Callable[[], object]:
    request = {
        "InstanceIds": [instance_id],
        "DocumentName": "AWS-RunShellScript",
        "Parameters": {"commands": ["true"]},
        **changes,
    }
    return lambda: cloud.ssm.send_command(**request)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"DocumentName": "AWS-RunPowerShellScript"}, "InvalidDocument"),
        ({"Parameters": {"command": ["true"]}}, "InvalidParameters"),
        ({"Parameters": {}}, "InvalidParameters"),
        ({"Parameters": {"commands": ["true"], "executionTimeout": ["soon"]}}, "InvalidParameters"),
        ({"Parameters": {"commands": ["true"], "workingDirectory": ["/", "/tmp"]}}, "InvalidParameters"),
        ({"Parameters": {"commands": ["echo {{ ssm:password }}"]}}, "InvalidParameters"),
        ({"Parameters": {"commands": ["x" * 66_000]}}, "MaxDocumentSizeExceeded"),
        ({"InstanceIds": ["i-00000000000000000"]}, "InvalidInstanceId"),
        ({"InstanceIds": []}, "ValidationException"),
        ({"Comment": "c" * 101}, "ValidationException"),
        ({"Targets": [{"Key": "tag:a", "Values": ["b"]}]}, "ValidationException"),
        ({"InstanceIds": [], "Targets": [{"Key": "colour", "Values": ["b"]}]}, "ValidationException"),
    ],
)
def test_a_send_that_makes_no_sense_is_refused(cloud: "Cloud", changes: dict[str, Any], code: str) -> None:
    assert _error(_send(cloud, cloud.launch(), **changes)) == code


def test_machines_that_take_no_commands(cloud: "Cloud") -> None:
    unmanaged, ended, good = cloud.launch("one", managed=False), cloud.launch("two"), cloud.launch("three")
    cloud.fleet.terminate(ended)
    assert _error(_send(cloud, unmanaged)) == "InvalidInstanceId"
    assert _error(_send(cloud, ended)) == "InvalidInstanceId"
    assert _error(_send(cloud, good, InstanceIds=[good, good])) == "DuplicateInstanceId"


def test_questions_about_what_was_never_sent(cloud: "Cloud") -> None:
    instance_id, other = cloud.launch("one"), cloud.launch("two")
    command_id = cloud.send(instance_id, "true")
    cloud.result(command_id, instance_id)
    ssm, nothing = cloud.ssm, "0" * 36
    ask = ssm.get_command_invocation
    assert _error(lambda: ask(CommandId=nothing, InstanceId=instance_id)) == "InvocationDoesNotExist"
    assert _error(lambda: ask(CommandId=command_id, InstanceId=other)) == "InvocationDoesNotExist"
    assert _error(lambda: ask(CommandId=command_id, InstanceId=instance_id, PluginName="aws:x")) == "InvalidPluginName"
    assert _error(lambda: ssm.cancel_command(CommandId=nothing)) == "InvalidCommandId"
    assert _error(lambda: ssm.cancel_command(CommandId=command_id, InstanceIds=[other])) == "InvalidInstanceId"


def test_a_working_directory_that_is_not_there_is_a_failure(cloud: "Cloud") -> None:
    found = cloud.run(cloud.launch(), "true", workingDirectory="/no/such/folder")
    assert (found["Status"], found["ResponseCode"]) == ("Failed", 1)
    assert "/no/such/folder" in found["StandardErrorContent"]


def test_names_of_the_documents_own_parameters_are_filled_in_and_other_templates_are_not(cloud: "Cloud") -> None:
    script = "echo '{{ executionTimeout }} {{.State.Status}}'"
    assert cloud.run(cloud.launch(), script, executionTimeout="90")["StandardOutputContent"] == "90 {{.State.Status}}\n"


@pytest.mark.parametrize(
    ("given", "seconds"), [([], 3600), (["120"], 120), (["4"], 3600), (["5"], 5), (["172801"], 3600), (["0"], 3600)]
)
def test_an_execution_timeout_out_of_range_silently_becomes_an_hour(given: list[str], seconds: int) -> None:
    assert execution_seconds({"executionTimeout": given} if given else {}) == seconds


def test_stopping_the_endpoint_kills_what_runs(make_cloud: "CloudFactory", eventually: Eventually) -> None:
    cloud = make_cloud()
    instance_id = cloud.launch()
    first, second = cloud.send(instance_id, "sleep 600"), cloud.send(instance_id, "sleep 600")
    eventually(lambda: bool(_running(cloud, first)))
    cloud.stop()
    assert _running(cloud, first) + _running(cloud, second) == []


def test_many_machines_at_once(cloud: "Cloud") -> None:
    ids = [cloud.launch(f"host-{number}") for number in range(12)]
    command_ids = {one: cloud.send(one, "echo $AWS_SSM_INSTANCE_ID") for one in ids}
    for one, command_id in command_ids.items():
        assert cloud.result(command_id, one)["StandardOutputContent"] == f"{one}\n"
