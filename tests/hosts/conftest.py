"""A small AWS on loopback that says what a test tells it to, over the real wire, to real boto3 clients."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from e2e.hosts.aws import AwsAccess, aws_access
from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.polling import PollTimes
from e2e.hosts.ssm import SsmTransport

POLL = PollTimes(0.005, 1.2, 0.02, 0.0, 2, 0.1, 0.2, 10.0, connect_timeout_seconds=2.0, read_timeout_seconds=2.0)
FIRST, SECOND = "i-00000000000000001", "i-00000000000000002"
SLUG = "e2e-boot-0123abcd-89ef4567"


class AwsError(Exception):
    """The server answers with this error."""

    def __init__(self, code: str, status: int = 400, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.message = message


class LostError(Exception):
    """The server cuts the connection instead of answering."""


Handler = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class FakeAws:
    """What the server does; ``calls`` holds every request as (operation, parameters)."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)
    instances: list[dict[str, str]] = field(default_factory=list)
    pages: int = 1
    pings: dict[str, str] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)
    output: Callable[[str, str], str] = lambda _text, _instance: "out"
    script: Callable[[str, int], dict[str, Any]] | None = None
    polls: dict[str, int] = field(default_factory=dict)
    asked: threading.local = field(default_factory=threading.local)
    regions: dict[str, str] = field(default_factory=dict)

    def is_here(self, instance_id: str) -> bool:
        """Whether a machine is in the region that is being asked; one without a region is everywhere."""
        return bool(self.regions.get(instance_id, self.asked.region) == self.asked.region)

    def names(self) -> list[str]:
        """Return the operations asked for, in order."""
        return [name for name, _ in self.calls]

    def handle(self, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer one SSM call."""
        if name in self.handlers:
            return self.handlers[name](parameters)
        method: Handler = getattr(self, f"_{name}")
        return method(parameters)

    def accept(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Take a command as AWS does."""
        command = {"CommandId": f"{len(self.commands) + 1:036d}", "Comment": parameters["Comment"], **parameters}
        self.commands.append(command)
        return command

    def _SendCommand(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        unknown = [one for one in parameters["InstanceIds"] if self.pings.get(one) != "Online" or not self.is_here(one)]
        if unknown:
            raise AwsError("InvalidInstanceId")
        command = self.accept(parameters)
        return {"Command": {"CommandId": command["CommandId"], "Status": "Pending"}}

    def state(self, instance_id: str) -> dict[str, Any]:
        """Return the triple of one host now, by the test's script; by default it has ended well."""
        if self.script is None:
            return {"Status": "Success", "StatusDetails": "Success", "ResponseCode": 0}
        return self.script(instance_id, self.polls.get(instance_id, 0))

    def _ListCommandInvocations(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        command = next(one for one in self.commands if one["CommandId"] == parameters["CommandId"])
        listed = []
        for instance_id in command["InstanceIds"]:
            state = self.state(instance_id)
            self.polls[instance_id] = self.polls.get(instance_id, 0) + 1
            if state.get("Status"):
                listed.append(
                    {
                        "CommandId": command["CommandId"],
                        "InstanceId": instance_id,
                        "Status": state["Status"],
                        "StatusDetails": state["StatusDetails"],
                    }
                )
        return {"CommandInvocations": listed}

    def _GetCommandInvocation(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        command = next(one for one in self.commands if one["CommandId"] == parameters["CommandId"])
        text = command["Parameters"]["commands"][0]
        state = self.state(parameters["InstanceId"])
        return {
            "CommandId": command["CommandId"],
            "InstanceId": parameters["InstanceId"],
            "StandardErrorContent": "",
            "ExecutionElapsedTime": "PT1.5S",
            "StandardOutputContent": self.output(text, parameters["InstanceId"]),
            **state,
        }

    def _ListCommands(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {
            "Commands": [{"CommandId": one["CommandId"], "Comment": one["Comment"]} for one in reversed(self.commands)]
        }

    def _CancelCommand(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {}

    def _DescribeInstanceInformation(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = parameters["Filters"][0]["Values"]
        return {
            "InstanceInformationList": [
                {"InstanceId": one, "PingStatus": ping}
                for one, ping in self.pings.items()
                if one in wanted and self.is_here(one)
            ]
        }

    def query(self, form: dict[str, list[str]]) -> str:
        """Answer an EC2 or STS call in XML."""
        action = form["Action"][0]
        self.calls.append((action, {key: values[0] for key, values in form.items()}))
        if action in self.handlers:
            self.handlers[action]({key: values[0] for key, values in form.items()})
        if action == "GetCallerIdentity":
            return (
                '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
                "<Account>004200420042</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
        chosen = [one for one in self.instances if self.is_here(one["id"])]
        if "InstanceId.1" in form:
            chosen = [one for one in chosen if one["id"] == form["InstanceId.1"][0]]
            if not chosen:
                raise AwsError("InvalidInstanceID.NotFound")
        else:
            part = form["Filter.1.Value.1"][0].strip("*")
            chosen = [one for one in chosen if part in one.get("name", "")]
        page = int(form.get("NextToken", ["0"])[0])
        size = -(-len(chosen) // self.pages) if chosen else 1
        token = f"<nextToken>{page + 1}</nextToken>" if (page + 1) * size < len(chosen) else ""
        items = "".join(
            f"<item><instancesSet><item><instanceId>{one['id']}</instanceId><launchTime>{one['launched']}</launchTime>"
            f"<instanceState><name>{one['state']}</name></instanceState>"
            + (f"<tagSet><item><key>Name</key><value>{one['name']}</value></item></tagSet>" if one.get("name") else "")
            + "</item></instancesSet></item>"
            for one in chosen[page * size : (page + 1) * size]
        )
        return (
            '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<reservationSet>{items}</reservationSet>{token}</DescribeInstancesResponse>"
        )

    def machine(
        self, instance_id: str, name: str = f"tenant-{SLUG}", state: str = "running", ping: str = "Online"
    ) -> None:
        """Add a machine; an empty ``ping`` leaves it unknown to SSM."""
        launched = f"2026-06-20T12:00:{len(self.instances):02d}.000Z"
        self.instances.append({"id": instance_id, "name": name, "state": state, "launched": launched})
        if ping:
            self.pings[instance_id] = ping


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one write per answer: two would wait for a delayed acknowledgement
    fake: FakeAws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        target = self.headers.get("X-Amz-Target", "")
        self.fake.asked.region = self.headers.get("Authorization", "").split("/")[2]
        try:
            if target:
                name = target.split(".")[1]
                parameters = json.loads(body)
                self.fake.calls.append((name, parameters))
                self._answer(200, json.dumps(self.fake.handle(name, parameters)), "application/x-amz-json-1.1")
            else:
                self._answer(200, self.fake.query(parse_qs(body.decode())), "text/xml")
        except AwsError as error:
            if target:
                text = json.dumps({"__type": error.code, "message": error.message})
            else:
                text = (
                    f"<Response><Errors><Error><Code>{error.code}</Code><Message>m</Message></Error></Errors>"
                    "<RequestID>1</RequestID></Response>"
                )
            self._answer(error.status, text, "text/plain")
        except LostError:
            # A reset, as from a firewall: no answer and no orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

    def _answer(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="session")
def server() -> Iterator[ThreadingHTTPServer]:
    """One server and one set of clients for all tests: making a client costs more than a test. It keeps no state."""
    handler = type("Handler", (_Handler,), {"fake": FakeAws()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def aws(server: ThreadingHTTPServer) -> FakeAws:
    fake = FakeAws(url=f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass.fake = fake  # type: ignore[attr-defined]
    return fake


@pytest.fixture(scope="session")
def clients(server: ThreadingHTTPServer) -> Iterator[AwsClients]:
    made = AwsClients(
        region="us-east-2",
        endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
        credentials=AwsCredentials("AKIATEST", "canary-secret-key"),
        poll=POLL,
    )
    made.warm()
    yield made
    made.close()


@pytest.fixture(scope="session")
def elsewhere(server: ThreadingHTTPServer) -> Iterator[AwsClients]:
    """The same account in another region."""
    made = AwsClients(
        region="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
        credentials=AwsCredentials("AKIATEST", "canary-secret-key"),
        poll=POLL,
    )
    yield made
    made.close()


@pytest.fixture
def records() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def transport(clients: AwsClients, records: list[dict[str, Any]]) -> SsmTransport:
    return SsmTransport(clients, POLL, lambda record: records.append(dict(record)))


@pytest.fixture
def access(aws: FakeAws, clients: AwsClients, records: list[dict[str, Any]]) -> AwsAccess:
    return aws_access(
        slug=SLUG,
        clients=[clients],
        control_plane_instance_id=lambda: FIRST,
        poll=POLL,
        audit=lambda record: records.append(dict(record)),
    )


@pytest.fixture
def aws_error() -> type[AwsError]:
    return AwsError


@pytest.fixture
def lost() -> type[LostError]:
    return LostError
