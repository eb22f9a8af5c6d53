"""A cloud for tests: real boto3, real HTTP, real processes."""

import base64
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.endpoint import AwsEndpoint
from e2e.twin.cloud.faults import CloudFaults
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.cloud.models import ServiceModels
from e2e.twin.cloud.planned_faults import PlannedFaults
from e2e.twin.faults.plan import Fault, FaultPlan, FaultSwitch, acts_in, parse_fault
from e2e.twin.hosts.host import Host

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import GetCommandInvocationResultTypeDef
    from mypy_boto3_sts import STSClient

REGION = "us-east-2"
ACCOUNT = "123456789012"
KEY = "AKIAEXAMPLEOFTWIN"
SECRET = "an-example-secret"
Start = Callable[..., "subprocess.Popen[bytes]"]
_NO_RETRIES = Config(retries={"total_max_attempts": 1})


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.005)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Poll a condition until it holds; fail after fifteen seconds."""
    return _eventually


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that do not outlive the test, whatever becomes of it."""
    with ExitStack() as stack:

        def run(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
            process: subprocess.Popen[bytes] = subprocess.Popen(command, **options)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield run


@dataclass
class Cloud:
    """The endpoint with its fleet and boto3 clients."""

    fleet: Fleet
    url: str
    session: boto3.Session
    stop: Callable[[], None]
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, *, key: str = KEY, secret: str = SECRET, region: str = REGION) -> Any:
        """Make a client with credentials of one's choice."""
        return self.session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=_NO_RETRIES,
        )

    def _shared(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.client(service)
        return self.clients[service]

    @property
    def ssm(self) -> "SSMClient":
        """The SSM client."""
        client: SSMClient = self._shared("ssm")
        return client

    @property
    def ec2(self) -> "EC2Client":
        """The EC2 client."""
        client: EC2Client = self._shared("ec2")
        return client

    @property
    def sts(self) -> "STSClient":
        """The STS client."""
        client: STSClient = self._shared("sts")
        return client

    def launch(
        self,
        name: str = "tenant-one",
        *,
        managed: bool = True,
        on_running: Callable[[Host], object] = lambda _host: None,
        **tags: str,
    ) -> str:
        """Launch a machine and wait until it runs, and unless told otherwise until SSM manages it."""
        instance_id = self.fleet.launch(
            name_tag=name,
            tags=tags,
            boot_seconds=0,
            registration_seconds=0 if managed else 1e9,
            on_running=on_running,
        )
        _eventually(lambda: self.fleet.state(instance_id) == "running")
        return instance_id

    def send(self, instance_id: str, *commands: str, delivery: int = 60, comment: str = "", **parameters: str) -> str:
        """Send a script and return the command id."""
        given = {name: [value] for name, value in parameters.items()}
        answer = self.ssm.send_command(
            InstanceIds=[instance_id],
            DocumentName="AWS-RunShellScript",
            TimeoutSeconds=delivery,
            Comment=comment,
            Parameters={"commands": list(commands), **given},
        )
        return answer["Command"]["CommandId"]

    def status(self, command_id: str, instance_id: str) -> str:
        """Return the invocation's status, empty while it is not visible."""
        try:
            return self.ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)["Status"]
        except self.ssm.exceptions.InvocationDoesNotExist:
            return ""

    def result(self, command_id: str, instance_id: str) -> "GetCommandInvocationResultTypeDef":
        """Wait for the end of an invocation and return it."""
        _eventually(
            lambda: self.status(command_id, instance_id) not in {"", "Pending", "InProgress", "Delayed", "Cancelling"}
        )
        return self.ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)

    def run(self, instance_id: str, *commands: str, **parameters: str) -> "GetCommandInvocationResultTypeDef":
        """Send a script and wait for its end."""
        return self.result(self.send(instance_id, *commands, delivery=60, comment="", **parameters), instance_id)

    def raw(self, instance_id: str, script: str) -> bytes:
        """Run ``script``, whose output is base64, and return the bytes."""
        return base64.b64decode(self.run(instance_id, script)["StandardOutputContent"])


CloudFactory = Callable[..., Cloud]


@pytest.fixture(scope="session")
def aws_session() -> boto3.Session:
    """One boto3 session for all tests: service models are read once."""
    return boto3.Session()


@pytest.fixture(scope="session")
def models() -> ServiceModels:
    """The published models, read once."""
    return ServiceModels()


@pytest.fixture
def make_cloud(tmp_path: Path, aws_session: boto3.Session, models: ServiceModels) -> Iterator[CloudFactory]:
    """Make clouds of any speed; they are taken down after the test."""
    with ExitStack() as stack:

        def make(*, speed: float = 100, real_floor: float = 10.0, faults: CloudFaults | None = None) -> Cloud:
            clock = PlatformClock(speed, real_floor=real_floor)
            fleet = Fleet(clock, tmp_path / f"hosts-{len(list(tmp_path.iterdir()))}", 7, find_agent_user=lambda _: None)
            stack.callback(fleet.close)
            endpoint = AwsEndpoint(
                fleet,
                clock,
                region=REGION,
                account=ACCOUNT,
                access_key_id=KEY,
                secret_access_key=SECRET,
                faults=faults,
                models=models,
            )
            stack.callback(endpoint.stop)
            cloud = Cloud(fleet, endpoint.start(), aws_session, endpoint.stop)
            stack.callback(lambda: [client.close() for client in cloud.clients.values()])
            return cloud

        yield make


FaultyCloudFactory = Callable[..., Cloud]


@pytest.fixture
def make_faulty_cloud(make_cloud: CloudFactory, tmp_path: Path) -> FaultyCloudFactory:
    """Make clouds with a fault plan, each fault written as on the command line."""

    def make(*faults: str, speed: float = 100, seed: int = 0) -> Cloud:
        trace = tmp_path / "trace.jsonl"
        trace.touch()
        plan = FaultPlan(tuple(map(parse_fault, faults)), time.monotonic(), speed, str(trace))
        planned = PlannedFaults(FaultSwitch(plan), PlatformClock(speed), account=ACCOUNT, seed=seed)
        return make_cloud(speed=speed, faults=planned)

    return make


@pytest.fixture
def acted(tmp_path: Path) -> Callable[[str], int]:
    """Say how often a fault has acted."""
    return lambda name: acts_in(tmp_path / "trace.jsonl", [Fault(name)])[name]


@pytest.fixture
def cloud(make_cloud: CloudFactory) -> Cloud:
    """A fast cloud with the floor of production."""
    return make_cloud()
