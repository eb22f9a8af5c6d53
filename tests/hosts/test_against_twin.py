"""The transport and the probe against the twin's cloud: a process of its own, met on the wire."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.hosts.access import HostAnswer, HostRef
from e2e.hosts.aws import AwsAccess, aws_access
from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.errors import (
    CredentialsRefused,
    ExecutionTimedOut,
    HostAccessError,
    InstanceGone,
    InstanceTerminated,
)
from e2e.hosts.permissions import is_granted
from e2e.hosts.polling import PollTimes
from e2e.probes.look import LaunchRequest, Look, LookRequest, parse_look
from e2e.probes.program import probe_program

pytestmark = pytest.mark.twin
SLUG = "e2e-boot-0123abcd-89ef4567"
CONCIERGE_ID = "0b9b3c1e-5a6d-4c1f-9a77-3d2b1c0a9e8f"
CONTROL_ID = "c0ffee00-0000-4000-8000-000000000001"
SPEED = 20.0
POLL = PollTimes.embedded()
ECHO = b"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())\n"
BUDGETS: dict[str, Any] = {"delivery_seconds": 60, "execution_seconds": 60, "wall_deadline_seconds": 20.0}


class Cloud:
    """The running twin cloud, as its one line and its input describe it."""

    def __init__(self, process: "subprocess.Popen[str]", ready: dict[str, str]) -> None:
        self.process = process
        self.url = ready["url"]
        self.tenant = ready["tenant"]
        self.concierge = ready["concierge"]
        self.folder = Path(ready["folder"])

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    driver = Path(__file__).with_name("twin_cloud.py")
    process = subprocess.Popen(
        [sys.executable, str(driver), str(SPEED)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    yield Cloud(process, json.loads(process.stdout.readline()))
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def audit() -> list[dict[str, object]]:
    return []


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> Iterator[AwsClients]:
    made = AwsClients(
        region="us-east-2", endpoint_url=cloud.url, credentials=AwsCredentials("AKIATWIN", "twin-secret"), poll=POLL
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def access(cloud: Cloud, clients: AwsClients, audit: list[dict[str, object]]) -> AwsAccess:
    return aws_access(
        slug=SLUG,
        clients=[clients],
        control_plane_instance_id=lambda: cloud.tenant,
        poll=POLL,
        audit=lambda record: audit.append(dict(record)),
    )


@pytest.fixture(scope="module")
def climb(access: AwsAccess) -> tuple[tuple[HostRef, ...], list[HostAccessError]]:
    """Poll the ladder as a stage does, and return the hosts and what was said on the way."""
    said: list[HostAccessError] = []
    give_up = time.monotonic() + 30
    while True:
        try:
            return access.reach(lambda: None), said
        except HostAccessError as error:
            assert error.may_get_better, error
            assert time.monotonic() < give_up, error
            said.append(error)
            time.sleep(0.02)


@pytest.fixture
def hosts(climb: tuple[tuple[HostRef, ...], list[HostAccessError]]) -> tuple[HostRef, ...]:
    return climb[0]


def test_the_ladder_names_the_rung_until_both_hosts_answer(
    cloud: Cloud, climb: tuple[tuple[HostRef, ...], list[HostAccessError]], access: AwsAccess
) -> None:
    hosts, said = climb
    assert {host.instance_id for host in hosts} == {cloud.tenant, cloud.concierge}
    assert said
    assert {error.cause for error in said} <= {"provisioning-timeout", "ssm-not-managed"}
    found = {host.instance_id: host.found_by for host in hosts}
    assert found[cloud.tenant] == ("name-tag", "control-plane")
    assert access.commands_sent == 1
    access.reach(lambda: None)
    assert access.commands_sent == 1


@pytest.mark.parametrize("size", [0, 1, 1_000, 12_000, 16_000])
def test_random_bytes_of_an_unrelated_program_come_back(
    access: AwsAccess, hosts: tuple[HostRef, ...], size: int
) -> None:
    content = random.Random(size).randbytes(size)
    for answer in access.run(ECHO, hosts, argument=content, comment="bytes", **BUDGETS).values():
        assert isinstance(answer, HostAnswer), answer
        assert answer.stdout == content
        assert answer.exit_code == 0


@pytest.mark.parametrize(("size", "commands"), [(16_000, 1), (23_999, 2), (24_000, 2), (24_001, 2), (100_000, 7)])
def test_more_than_ssm_carries_comes_in_pieces_for_all_hosts_at_once(
    access: AwsAccess, hosts: tuple[HostRef, ...], size: int, commands: int
) -> None:
    program = b"import random,sys\nsys.stdout.buffer.write(random.Random(1).randbytes(int(sys.stdin.read())))\n"
    before = access.commands_sent
    answers = access.run(program, hosts, argument=b"%d" % size, comment="bytes", **BUDGETS)
    for answer in answers.values():
        assert isinstance(answer, HostAnswer), answer
        assert answer.stdout == random.Random(1).randbytes(size)
    assert len(answers) == 2
    assert access.commands_sent - before == commands


def test_one_look_sees_concierge_and_registry(access: AwsAccess, hosts: tuple[HostRef, ...], cloud: Cloud) -> None:
    contract = load_contract()
    create = contract.create_workspace
    launch = LaunchRequest(create.tool_names, create.arguments("e2e-probe-1"), True, 20.0, 20.0)
    request = LookRequest(contract, CONCIERGE_ID, (CONTROL_ID,), launch=launch)
    before = access.commands_sent
    answers = access.run(probe_program(), hosts, argument=request.argument(), comment="look", **BUDGETS)
    assert access.commands_sent == before + 1
    looks = []
    for instance_id, answer in answers.items():
        assert isinstance(answer, HostAnswer), answer
        assert answer.exit_code == 0, answer.stderr
        assert b"canary" not in answer.stdout
        looks.append(parse_look(answer.stdout, instance_id))
    look = Look(tuple(looks))
    assert dict(look.part_errors) == {}
    assert look.concierge_host is not None
    assert look.concierge_host.instance_id == cloud.concierge
    assert look.tenant_host is not None
    assert look.tenant_host.instance_id == cloud.tenant
    seen = look.concierge
    assert seen is not None
    assert seen.settings is not None
    assert seen.settings.entry is not None
    assert (seen.settings.state, seen.settings.entry.command_resolves) == ("ok", True)
    assert seen.presence is not None
    assert (seen.presence.answer, seen.presence.runtime_version) == ("true", "0.3.42")
    assert seen.reads_present is True
    assert [plugin.name for plugin in seen.plugins or ()] == [contract.plugin_declared_name]
    assert seen.runtime_log is not None
    assert seen.runtime_log.readable
    assert [match.core for match in seen.runtime_log.matches] == ["entrypoint_boot", "plugin_installed", "registered"]
    assert seen.launch is not None
    assert seen.launch.phase == "done"
    assert seen.launch.tool is not None
    assert seen.launch.tool.takes_arguments is True
    assert seen.launch.call is not None
    assert seen.launch.call.succeeded
    incarnation = look.concierge_host.concierge_incarnation
    assert incarnation is not None
    assert incarnation.is_complete
    log = look.registry.log if look.registry else None
    assert log is not None
    assert log.readable
    assert [(match.core, match.workspace) for match in log.matches] == [
        ("registry_register_400", "control"),
        ("transition", "concierge"),
    ]


def test_a_program_that_does_not_end_is_ended_by_the_envelope(access: AwsAccess, hosts: tuple[HostRef, ...]) -> None:
    answers = access.run(b"import time\ntime.sleep(300)\n", hosts[:1], comment="sleep", program_seconds=0.5, **BUDGETS)
    assert isinstance(answers[hosts[0].instance_id], ExecutionTimedOut)


def test_our_own_deadline_cancels_and_nothing_runs_on(
    access: AwsAccess, hosts: tuple[HostRef, ...], tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    program = b"import os, sys, time\nopen(sys.stdin.read(), 'w').write(str(os.getpid()))\ntime.sleep(300)\n"
    answers = access.run(
        program,
        hosts[:1],
        argument=str(tmp_path / "pid").encode(),
        comment="sleep",
        delivery_seconds=60,
        execution_seconds=3600,
        wall_deadline_seconds=1.5,
    )
    error = answers[hosts[0].instance_id]
    assert isinstance(error, ExecutionTimedOut)
    assert "cancel confirmed" in error.detail
    pid = int((tmp_path / "pid").read_text())
    give_up = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_the_account_is_the_one_the_credentials_belong_to(access: AwsAccess) -> None:
    assert access.account() == "004200420042"


def test_a_wrong_secret_is_named_and_nothing_is_sent(cloud: Cloud) -> None:
    clients = AwsClients(
        region="us-east-2", endpoint_url=cloud.url, credentials=AwsCredentials("AKIATWIN", "wrong"), poll=POLL
    )
    stranger = aws_access(
        slug=SLUG,
        clients=[clients],
        control_plane_instance_id=lambda: None,
        poll=POLL,
        audit=lambda _record: None,
    )
    with pytest.raises(CredentialsRefused) as caught:
        stranger.find()
    assert "wrong" not in str(caught.value)
    clients.close()


def test_the_audit_has_every_command_and_no_content(audit: list[dict[str, object]], access: AwsAccess) -> None:
    assert len({record["command_id"] for record in audit}) == access.commands_sent
    assert all(record["how_confirmed"] == "answer" for record in audit)
    assert "canary" not in json.dumps(audit)


def test_the_policy_of_a_look_covers_every_request_that_was_made(
    access: AwsAccess, hosts: tuple[HostRef, ...], clients: AwsClients
) -> None:
    access.account()
    access.run(ECHO, hosts, argument=b"x", comment="echo", **BUDGETS)
    made = {tuple(name.split(".")) for name in clients.requests}
    assert {("ssm", "SendCommand"), ("ec2", "DescribeInstances"), ("sts", "GetCallerIdentity")} <= made
    assert [call for call in made if not is_granted("look", *call)] == []


def test_a_terminated_host_is_named_and_the_other_still_answers(
    access: AwsAccess, hosts: tuple[HostRef, ...], cloud: Cloud
) -> None:
    """Last, since it ends the machine that the tests before look into."""
    cloud.tell(f"terminate {cloud.concierge}")
    answers = access.run(ECHO, hosts, argument=b"x", comment="echo", **BUDGETS)
    assert isinstance(answers[cloud.concierge], InstanceTerminated)
    tenant = answers[cloud.tenant]
    assert isinstance(tenant, HostAnswer)
    assert tenant.stdout == b"x"
    with pytest.raises(InstanceGone):
        access.reach(lambda: None)
    cloud.tell(f"terminate {cloud.tenant}")
    with pytest.raises(InstanceTerminated):
        access.reach(lambda: None)
    give_up = time.monotonic() + 10
    while access.remaining_instances() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert access.remaining_instances() == ()
    assert {host.state for host in access.find()} == {"terminated"}
