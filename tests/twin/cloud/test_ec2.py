"""EC2 through boto3."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

    from tests.twin.cloud.conftest import Cloud

Eventually = Callable[[Callable[[], bool]], None]


def _instances(cloud: "Cloud", **filters: str) -> "list[InstanceTypeDef]":
    wanted = [{"Name": name.replace("__", ":").replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    pages = cloud.ec2.get_paginator("describe_instances").paginate(Filters=wanted)  # type: ignore[arg-type]
    return [instance for page in pages for reservation in page["Reservations"] for instance in reservation["Instances"]]


def _error(caught: "pytest.ExceptionInfo[ClientError]") -> str:
    return str(caught.value.response["Error"]["Code"])


def test_an_instance_is_described_with_tags_profile_and_launch_time(cloud: "Cloud") -> None:
    instance_id = cloud.launch("tenant-e2e", Environment="staging & <more>")
    (instance,) = _instances(cloud)
    assert instance["InstanceId"] == instance_id
    assert instance["State"] == {"Code": 16, "Name": "running"}
    assert {"Key": "Name", "Value": "tenant-e2e"} in instance["Tags"]
    assert {"Key": "Environment", "Value": "staging & <more>"} in instance["Tags"]
    assert instance["IamInstanceProfile"]["Arn"].startswith("arn:aws:iam::123456789012:instance-profile/")
    assert instance["LaunchTime"].utcoffset() is not None


def test_names_are_found_with_wildcards(cloud: "Cloud") -> None:
    cloud.launch("tenant-e2e-one")
    cloud.launch("ws-tenant-e2e-one-abc")
    cloud.launch("tenant-e2e-two")
    assert len(_instances(cloud, tag__Name="tenant-e2e-*")) == 2
    assert len(_instances(cloud, tag__Name="*tenant-e2e-one*")) == 2
    assert len(_instances(cloud, tag__Name="tenant-e2e-tw?")) == 1
    assert _instances(cloud, tag__Name="tenant-[e]2e-two") == []
    assert _instances(cloud, tag__Colour="*") == []


def test_filters_by_state_and_id(cloud: "Cloud", eventually: Eventually) -> None:
    ended, alive = cloud.launch("one"), cloud.launch("two")
    cloud.ec2.terminate_instances(InstanceIds=[ended])
    eventually(lambda: len(_instances(cloud, instance_state_name="terminated")) == 1)
    assert [one["InstanceId"] for one in _instances(cloud, instance_state_name="running")] == [alive]
    assert [one["InstanceId"] for one in _instances(cloud, instance_id=ended)] == [ended]
    assert len(_instances(cloud, tag_key="Name")) == 2


def test_pages_hold_every_instance_once(cloud: "Cloud") -> None:
    ids = {cloud.launch(f"tenant-{number}") for number in range(7)}
    first = cloud.ec2.describe_instances(MaxResults=5)
    second = cloud.ec2.describe_instances(MaxResults=5, NextToken=first["NextToken"])
    found = [one["Instances"][0]["InstanceId"] for one in first["Reservations"] + second["Reservations"]]
    assert (len(first["Reservations"]), len(second["Reservations"])) == (5, 2)
    assert set(found) == ids
    assert "NextToken" not in second


def test_terminating_answers_with_both_states(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    (change,) = cloud.ec2.terminate_instances(InstanceIds=[instance_id])["TerminatingInstances"]
    assert change["PreviousState"]["Name"] == "running"
    assert change["CurrentState"]["Name"] in {"shutting-down", "terminated"}
    cloud.ec2.get_waiter("instance_terminated").wait(
        InstanceIds=[instance_id], WaiterConfig={"Delay": 1, "MaxAttempts": 5}
    )
    (instance,) = _instances(cloud)
    assert instance["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert "IamInstanceProfile" not in instance


def test_an_unknown_id_terminates_nothing(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    with pytest.raises(ClientError) as caught:
        cloud.ec2.terminate_instances(InstanceIds=[instance_id, "i-00000000000000000"])
    assert _error(caught) == "InvalidInstanceID.NotFound"
    assert cloud.fleet.state(instance_id) == "running"


def test_wrong_ids_filters_and_pages_are_refused(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_instances(InstanceIds=["i-00000000000000000"])
    assert _error(caught) == "InvalidInstanceID.NotFound"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_instances(InstanceIds=["web-1"])
    assert _error(caught) == "InvalidInstanceID.Malformed"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_instances(Filters=[{"Name": "colour", "Values": ["red"]}])
    assert _error(caught) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_instances(MaxResults=2)
    assert _error(caught) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_instances(InstanceIds=[instance_id], MaxResults=5)
    assert _error(caught) == "InvalidParameterCombination"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_instances(NextToken="stale")
    assert _error(caught) == "InvalidNextToken"


def test_tags_are_added_and_listed(cloud: "Cloud") -> None:
    instance_id = cloud.launch("one")
    cloud.launch("two")
    cloud.ec2.create_tags(Resources=[instance_id], Tags=[{"Key": "run", "Value": "r1"}])
    listed = cloud.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance_id]}])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in listed} == {"Name": "one", "run": "r1"}
    assert len(cloud.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["Name"]}])["Tags"]) == 2
    assert _instances(cloud, tag__run="r1")[0]["InstanceId"] == instance_id
    with pytest.raises(ClientError) as caught:
        cloud.ec2.create_tags(Resources=["i-00000000000000000"], Tags=[{"Key": "run", "Value": "r1"}])
    assert _error(caught) == "InvalidInstanceID.NotFound"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_tags(Filters=[{"Name": "colour", "Values": ["red"]}])
    assert _error(caught) == "InvalidParameterValue"


def test_the_console_can_be_read(cloud: "Cloud") -> None:
    instance_id = cloud.launch(on_running=lambda host: host.print_on_console("docker: started"))
    cloud.fleet.host(instance_id).print_on_console("ünïcode")
    answer = cloud.ec2.get_console_output(InstanceId=instance_id)
    assert f"machine {instance_id} is up" in answer["Output"]
    assert "ünïcode" in answer["Output"]


def test_a_dry_run_does_nothing_and_says_that_it_would(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    with pytest.raises(ClientError) as caught:
        cloud.ec2.terminate_instances(InstanceIds=[instance_id], DryRun=True)
    assert _error(caught) == "DryRunOperation"
    assert cloud.fleet.state(instance_id) == "running"
