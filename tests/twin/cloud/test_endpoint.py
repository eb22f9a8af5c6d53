"""The front door: strictness, errors, and a clean end."""

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.endpoint import AwsEndpoint
from e2e.twin.cloud.errors import AwsError
from e2e.twin.cloud.faults import CloudCall, NoFaults
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.cloud.sts import SecurityTokenService

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud, CloudFactory


def test_an_operation_that_we_do_not_have_is_unknown(cloud: "Cloud") -> None:
    with pytest.raises(ClientError) as caught:
        cloud.ssm.list_documents()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    with pytest.raises(ClientError) as caught:
        cloud.ec2.describe_volumes()
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_what_the_client_does_not_check_the_server_does(cloud: "Cloud") -> None:
    with pytest.raises(ClientError) as caught:
        cloud.ssm.list_commands(InstanceId="not-an-instance")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "regular expression pattern" in caught.value.response["Error"]["Message"]


def test_a_body_that_is_no_json_object_is_a_serialization_error(cloud: "Cloud") -> None:
    client = cloud.ssm

    def spoil(request: Any, **_context: Any) -> None:
        request.data = b"[]"

    client.meta.events.register("before-sign.ssm.ListCommands", spoil)
    with pytest.raises(ClientError) as caught:
        client.list_commands()
    assert caught.value.response["Error"]["Code"] == "SerializationException"


def test_a_parameter_that_ec2_does_not_have_is_unknown(cloud: "Cloud") -> None:
    client = cloud.ec2

    def spoil(request: Any, **_context: Any) -> None:
        request.data["Colour.1"] = "red"

    client.meta.events.register("before-sign.ec2.DescribeInstances", spoil)
    with pytest.raises(ClientError) as caught:
        client.describe_instances()
    assert caught.value.response["Error"]["Code"] == "UnknownParameter"


def test_an_answer_of_ours_that_departs_from_the_model_is_a_failure_that_says_so(
    make_cloud: "CloudFactory", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lie(_self: object, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {"Account": 12}

    monkeypatch.setattr(SecurityTokenService, "get_caller_identity", lie)
    with pytest.raises(ClientError) as caught:
        make_cloud().sts.get_caller_identity()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "departs from its model" in caught.value.response["Error"]["Message"]
    assert [record for record in caplog.records if record.levelno == logging.ERROR]


def test_faults_are_asked_before_every_operation(make_cloud: "CloudFactory") -> None:
    class Throttled(NoFaults):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def before(self, call: CloudCall) -> None:
            self.calls.append(f"{call.service}:{call.operation}")
            if call.service == "ssm":
                raise AwsError("ThrottlingException", "Rate exceeded")

    faults = Throttled()
    cloud = make_cloud(faults=faults)
    cloud.sts.get_caller_identity()
    with pytest.raises(ClientError) as caught:
        cloud.ssm.list_commands()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert faults.calls == ["sts:GetCallerIdentity", "ssm:ListCommands"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet without machines."""
    fleet = Fleet(PlatformClock(100), tmp_path / "idle", 1, find_agent_user=lambda _folder: None)
    yield fleet
    fleet.close()


def _endpoint(fleet: Fleet, port: int = 0) -> AwsEndpoint:
    return AwsEndpoint(fleet, fleet.clock, region="r", account="a", access_key_id="k", secret_access_key="s", port=port)


def test_stopping_ends_idle_connections_and_frees_the_port(fleet: Fleet) -> None:
    endpoint = _endpoint(fleet)
    url = endpoint.start()
    port = int(url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        _endpoint(fleet, port)
    with httpx.Client() as client:
        assert client.post(url, data={"Action": "DescribeInstances"}).status_code == 400
        endpoint.stop()
        with pytest.raises(httpx.TransportError):
            client.post(url, data={"Action": "DescribeInstances"})
    again = _endpoint(fleet, port)
    assert again.start() == url
    again.stop()


def test_an_endpoint_that_was_never_started_can_be_stopped(fleet: Fleet) -> None:
    _endpoint(fleet).stop()


def test_a_request_that_is_too_large_is_refused(cloud: "Cloud") -> None:
    assert httpx.post(cloud.url, content=b"x" * (2 << 20)).status_code == 413


def test_only_posts_are_taken(cloud: "Cloud") -> None:
    assert httpx.get(cloud.url).status_code == 501


def test_many_clients_at_once_are_all_answered(cloud: "Cloud") -> None:
    client = cloud.sts
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(client.get_caller_identity) for _ in range(64)]
    assert {call.result()["Account"] for call in calls} == {"123456789012"}
