"""Machines are found by name and by the control plane, on all pages, and each rung has its own error."""

from typing import Any

import pytest

from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.discovery import Discovery
from e2e.hosts.errors import (
    AccessDenied,
    AgentOffline,
    HostAccessError,
    HostNotFound,
    HostNotRunning,
    InstanceGone,
    InstanceTerminated,
    NotManaged,
    Throttled,
)

FIRST, SECOND, THIRD = (f"i-{number:017x}" for number in (1, 2, 3))
SLUG = "e2e-boot-0123abcd-89ef4567"
TENANT, WORKSPACE = f"tenant-{SLUG}", f"ws-tenant-{SLUG}-0b9b3c1e"


@pytest.fixture
def discovery(clients: AwsClients) -> Discovery:
    return Discovery([clients], SLUG, lambda: FIRST)


def test_hosts_carry_how_they_were_found(aws: Any, discovery: Discovery) -> None:
    aws.machine(FIRST, TENANT)
    aws.machine(SECOND, WORKSPACE)
    aws.machine(THIRD, "tenant-somebody-else")
    found = discovery.all()
    assert [(host.instance_id, host.found_by) for host in found] == [
        (FIRST, ("name-tag", "control-plane")),
        (SECOND, ("name-tag",)),
    ]


def test_a_host_without_a_tag_is_found_by_the_control_planes_id(aws: Any, discovery: Discovery) -> None:
    aws.machine(FIRST, "")
    aws.machine(SECOND, WORKSPACE)
    assert {host.instance_id: host.found_by for host in discovery.all()} == {
        FIRST: ("control-plane",),
        SECOND: ("name-tag",),
    }


def test_an_id_that_ec2_does_not_know_yet_is_not_seen_rather_than_an_error(aws: Any, discovery: Discovery) -> None:
    aws.machine(SECOND, WORKSPACE)
    assert [host.instance_id for host in discovery.all()] == [SECOND]


def test_all_pages_are_read(aws: Any, discovery: Discovery) -> None:
    for number in range(1, 8):
        aws.machine(f"i-{number:017x}", f"{WORKSPACE}-{number}")
    aws.pages = 4
    assert len(discovery.tagged()) == 7
    assert aws.names().count("DescribeInstances") == 4


def test_nothing_found_is_not_proof_of_absence(aws: Any, discovery: Discovery) -> None:
    with pytest.raises(HostNotFound) as caught:
        discovery.living()
    assert caught.value.may_get_better
    assert caught.value.cause == "proof-missing"


@pytest.mark.parametrize("state", ["pending", "stopping", "stopped"])
def test_a_machine_that_does_not_run_is_not_yet(aws: Any, discovery: Discovery, state: str) -> None:
    aws.machine(FIRST, TENANT)
    aws.machine(SECOND, WORKSPACE, state)
    with pytest.raises(HostNotRunning) as caught:
        discovery.living()
    assert caught.value.instance_id == SECOND
    assert caught.value.may_get_better


@pytest.mark.parametrize("state", ["shutting-down", "terminated"])
def test_a_tenant_host_that_is_gone_is_final(aws: Any, discovery: Discovery, state: str) -> None:
    aws.machine(FIRST, TENANT, state)
    aws.machine(SECOND, WORKSPACE)
    with pytest.raises(InstanceTerminated) as caught:
        discovery.living()
    assert not caught.value.may_get_better
    assert caught.value.cause == "instance-terminated"


def test_a_host_that_was_replaced_under_its_name_is_no_failure(aws: Any, discovery: Discovery) -> None:
    aws.machine(FIRST, TENANT)
    aws.machine(SECOND, WORKSPACE, "terminated")
    aws.machine(THIRD, WORKSPACE)
    assert [host.instance_id for host in discovery.living()] == [FIRST, THIRD]


def test_a_host_that_is_gone_and_not_replaced_may_still_come_back(aws: Any, discovery: Discovery) -> None:
    aws.machine(FIRST, TENANT)
    aws.machine(SECOND, WORKSPACE, "terminated")
    with pytest.raises(InstanceGone) as caught:
        discovery.living()
    assert caught.value.may_get_better
    assert caught.value.cause == "instance-terminated"


def test_a_machine_that_ssm_does_not_list_is_not_managed(aws: Any, discovery: Discovery) -> None:
    aws.machine(FIRST, TENANT, ping="")
    with pytest.raises(NotManaged) as caught:
        discovery.managed(discovery.living())
    assert "aws ssm describe-instance-information" in (caught.value.repro or "")
    aws.pings[FIRST] = "Online"
    discovery.managed(discovery.living())


@pytest.mark.parametrize("ping", ["ConnectionLost", "Inactive"])
def test_an_agent_that_is_listed_may_still_be_offline(aws: Any, discovery: Discovery, ping: str) -> None:
    aws.machine(FIRST, TENANT, ping=ping)
    with pytest.raises(AgentOffline, match=ping):
        discovery.managed(discovery.living())


@pytest.mark.parametrize(
    ("code", "kind"), [("UnauthorizedOperation", AccessDenied), ("RequestLimitExceeded", Throttled)]
)
def test_a_question_that_ec2_refuses_is_never_an_empty_answer(
    aws: Any, discovery: Discovery, aws_error: Any, code: str, kind: type[HostAccessError]
) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise aws_error(code)

    aws.handlers["DescribeInstances"] = refuse
    with pytest.raises(kind) as caught:
        discovery.tagged()
    assert "aws ec2 describe-instances" in (caught.value.repro or "")


@pytest.mark.parametrize("slug", ["", "e2e-*", "a?b"])
def test_a_slug_that_could_match_strangers_is_refused(clients: AwsClients, slug: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        Discovery([clients], slug, lambda: None)


@pytest.fixture
def everywhere(aws: Any, clients: AwsClients, elsewhere: AwsClients) -> Discovery:
    aws.regions.update({FIRST: "eu-west-1", SECOND: "us-east-2"})
    return Discovery([clients, elsewhere], SLUG, lambda: FIRST)


def test_machines_of_several_regions_are_found_and_say_where_they_are(aws: Any, everywhere: Discovery) -> None:
    aws.machine(FIRST, TENANT)
    aws.machine(SECOND, WORKSPACE)
    assert [(host.instance_id, host.region) for host in everywhere.living()] == [
        (FIRST, "eu-west-1"),
        (SECOND, "us-east-2"),
    ]
    everywhere.managed(everywhere.living())


def test_a_machine_without_a_tag_is_looked_for_in_every_region(aws: Any, everywhere: Discovery) -> None:
    aws.machine(FIRST, "")
    (host,) = everywhere.all()
    assert (host.instance_id, host.region, host.found_by) == (FIRST, "eu-west-1", ("control-plane",))


def test_a_region_that_cannot_be_asked_makes_the_whole_answer_unknown(
    aws: Any, everywhere: Discovery, aws_error: Any
) -> None:
    """A machine may be there: what is missing must never be read as absent."""
    aws.machine(SECOND, WORKSPACE)

    def refuse(_: dict[str, Any]) -> None:
        if aws.asked.region == "eu-west-1":
            raise aws_error("UnauthorizedOperation", 403)

    aws.handlers["DescribeInstances"] = refuse
    with pytest.raises(AccessDenied, match="eu-west-1"):
        everywhere.tagged()


def test_a_tenant_that_is_nowhere_names_the_regions_asked(everywhere: Discovery) -> None:
    with pytest.raises(HostNotFound, match="us-east-2, eu-west-1"):
        everywhere.living()


def test_without_a_region_nothing_can_be_found() -> None:
    with pytest.raises(ValueError, match="region"):
        Discovery([], SLUG, lambda: None)
