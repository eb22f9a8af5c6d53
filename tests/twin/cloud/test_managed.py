"""Which machines SSM manages."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud

Eventually = Callable[[Callable[[], bool]], None]


def _managed(cloud: "Cloud", **filters: str) -> list[str]:
    wanted = [{"Key": key.replace("__", ":"), "Values": [value]} for key, value in filters.items()]
    pages = cloud.ssm.get_paginator("describe_instance_information").paginate(Filters=wanted)  # type: ignore[arg-type]
    return [one["InstanceId"] for page in pages for one in page["InstanceInformationList"]]


def test_a_machine_is_listed_once_it_has_registered(cloud: "Cloud") -> None:
    cloud.launch("late", managed=False)
    there = cloud.launch("there")
    assert _managed(cloud) == [there]
    (information,) = cloud.ssm.describe_instance_information()["InstanceInformationList"]
    assert information["PingStatus"] == "Online"
    assert information["PlatformType"] == "Linux"


def test_a_terminated_machine_is_listed_no_more(cloud: "Cloud") -> None:
    instance_id = cloud.launch()
    cloud.fleet.terminate(instance_id)
    assert _managed(cloud) == []
    assert cloud.ssm.get_connection_status(Target=instance_id)["Status"] == "notconnected"


def test_filters_narrow_the_list(cloud: "Cloud") -> None:
    one, two = cloud.launch("one", role="tenant"), cloud.launch("two")
    assert _managed(cloud, InstanceIds=two) == [two]
    assert _managed(cloud, tag__role="tenant") == [one]
    assert _managed(cloud, PingStatus="ConnectionLost") == []
    old_style = cloud.ssm.describe_instance_information(
        InstanceInformationFilterList=[{"key": "InstanceIds", "valueSet": [one]}]
    )
    assert [row["InstanceId"] for row in old_style["InstanceInformationList"]] == [one]
    with pytest.raises(ClientError) as caught:
        _managed(cloud, Colour="red")
    assert caught.value.response["Error"]["Code"] == "InvalidFilterKey"


def test_a_page_has_ten_unless_asked_otherwise(cloud: "Cloud") -> None:
    ids = {cloud.launch(f"host-{number}") for number in range(12)}
    first = cloud.ssm.describe_instance_information()
    assert len(first["InstanceInformationList"]) == 10
    assert set(_managed(cloud)) == ids
    assert len(cloud.ssm.describe_instance_information(MaxResults=5)["InstanceInformationList"]) == 5
    with pytest.raises(ClientError) as caught:
        cloud.ssm.describe_instance_information(NextToken="stale")
    assert caught.value.response["Error"]["Code"] == "InvalidNextToken"


def test_the_connection_is_a_hint(cloud: "Cloud") -> None:
    assert cloud.ssm.get_connection_status(Target=cloud.launch())["Status"] == "connected"
    assert cloud.ssm.get_connection_status(Target=cloud.launch(managed=False))["Status"] == "notconnected"
    assert cloud.ssm.get_connection_status(Target="i-00000000000000000")["Status"] == "notconnected"
