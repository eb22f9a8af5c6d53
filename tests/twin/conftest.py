"""A whole twin as a process, met from outside only: HTTP and boto3."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from e2e.twin.outbound import Reply, request_json
from e2e.twin.wire import Call, Handler

SPEED = 100
PATIENCE = 20.0


def poll(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return the first true value of ``condition``; fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition never came"
        time.sleep(0.01)
    return value


@dataclass
class Twin:
    """A running ``twin serve``, with what was seen of it on the machine."""

    process: "subprocess.Popen[str]"
    line: dict[str, Any]
    folder: Path
    pids: set[int] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)

    def control_plane(self, method: str, path: str, document: object = None) -> Reply:
        """Call the control plane as admin."""
        headers = {"Authorization": f"Bearer {self.line['admin_token']}"}
        return request_json(method, self.line["control_plane_url"] + path, document, timeout=PATIENCE, headers=headers)

    def create_org(self, slug: str) -> "Org":
        """Create an organisation and wait until its tenant runs."""
        order = {"slug": slug, "name": f"E2E {slug}", "owner_user_id": "test"}
        created = self.control_plane("POST", "/cp/admin/orgs", order)
        assert created.status == 201, created.body

        def running() -> bool:
            (row,) = (org for org in self.orgs() if org["slug"] == slug)
            assert row.get("instance_status") != "failed", row.get("last_error")
            return row.get("instance_status") == "running"

        poll(running)
        token = self.control_plane("GET", f"/cp/admin/orgs/{slug}/admin-token").document()["admin_token"]
        return Org(self, slug, created.document()["id"], token)

    def orgs(self) -> list[dict[str, Any]]:
        """List the organisations."""
        return list(self.control_plane("GET", "/cp/admin/orgs").document()["orgs"])

    def purge(self, slug: str) -> Reply:
        """Delete an organisation."""
        return self.control_plane("DELETE", f"/cp/admin/tenants/{slug}", {"confirm": slug})

    def client(self, service: str) -> Any:
        """Return a boto3 client of the twin's cloud."""
        import boto3

        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.line["aws_endpoint_url"],
            region_name=self.line["aws_region"],
            aws_access_key_id=self.line["aws_access_key_id"],
            aws_secret_access_key=self.line["aws_secret_access_key"],
        )

    def machines(self, slug: str) -> dict[str, dict[str, Any]]:
        """Return what EC2 says about the machines of an organisation, by their ``Name`` tag."""
        ec2 = self.client("ec2")
        pages = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [f"*{slug}*"]}])
        ec2.close()
        found = [instance for reservation in pages["Reservations"] for instance in reservation["Instances"]]
        return {next(tag["Value"] for tag in i["Tags"] if tag["Key"] == "Name"): i for i in found}

    def run_on(self, instance_id: str, command: str) -> str:
        """Run a shell command on a machine over SSM and return what it printed."""
        from botocore.exceptions import ClientError

        ssm = self.client("ssm")

        def listed() -> bool:
            known = ssm.describe_instance_information()["InstanceInformationList"]
            return any(instance["InstanceId"] == instance_id for instance in known)

        poll(listed)
        sent = ssm.send_command(
            InstanceIds=[instance_id], DocumentName="AWS-RunShellScript", Parameters={"commands": [command]}
        )
        command_id = sent["Command"]["CommandId"]

        def result() -> Any:
            try:
                found = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "InvocationDoesNotExist"
                return None
            return None if found["Status"] in ("Pending", "InProgress", "Delayed") else found

        found = poll(result)
        ssm.close()
        assert found["Status"] == "Success", found["StandardErrorContent"]
        return str(found["StandardOutputContent"])

    def registry_log(self, slug: str) -> str:
        """Return the log of the organisation's workspace-server."""
        tenant = self.machines(slug)[f"tenant-{slug}"]["InstanceId"]
        return self.run_on(tenant, "docker logs molecule-tenant 2>&1")

    def faults_acted(self) -> list[str]:
        """Return the faults that have acted so far, in the order of the trace."""
        (sandbox,) = self.folder.glob("molecule-twin-*")
        trace = sandbox / "fault-trace.jsonl"
        lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
        return [json.loads(line)["fault"] for line in lines]

    def take_stock(self) -> None:
        """Note every process that is in the twin's folder or descends from it, and every port they listen on."""
        own = psutil.Process(self.process.pid)
        family = {own, *own.children(recursive=True)}
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                environment = Path(f"/proc/{process.pid}/environ").read_bytes()
                if str(self.folder).encode() in environment or str(self.folder) in " ".join(process.cmdline()):
                    family.add(process)
        for process in family:
            with suppress(psutil.Error):
                self.pids.add(process.pid)
                self.ports |= _listening(process.net_connections("tcp"))

    def leftovers(self) -> list[str]:
        """Return what is still there of the last stock: processes, ports, folder. Empty means that nothing is left."""
        left = [f"process {pid}" for pid in self.pids if _is_alive(pid)]
        listening = _listening(psutil.net_connections("tcp"))
        left += [f"port {port}" for port in self.ports & listening]
        left += [str(path) for path in self.folder.glob("molecule-twin-*")]
        return left


@dataclass
class Org:
    """One organisation of a running twin, met through the gateway."""

    twin: Twin
    slug: str
    org_id: str
    token: str

    def call(self, method: str, path: str, document: object = None) -> Reply:
        """Call the tenant as its admin."""
        domain = self.twin.line["tenant_domain"]
        headers = {
            "Host": f"{self.slug}.{domain}",
            "Origin": f"https://{self.slug}.{domain}",
            "Authorization": f"Bearer {self.token}",
            "X-Molecule-Org-Id": self.org_id,
        }
        return request_json(method, self.twin.line["tenant_url"] + path, document, timeout=PATIENCE, headers=headers)

    def rows(self) -> list[dict[str, Any]]:
        """List the workspaces."""
        return list(self.call("GET", "/workspaces").document())

    def concierge(self) -> dict[str, Any]:
        """Return the concierge's row of the list."""
        (row,) = (row for row in self.rows() if row["kind"] == "platform")
        return row

    def row_named(self, name: str) -> dict[str, Any] | None:
        """Return the row of this name in the list, or None."""
        return next((row for row in self.rows() if row["name"] == name), None)

    def concierge_with(self, status: str) -> dict[str, Any]:
        """Wait until the concierge has this status, and return its row."""
        row: dict[str, Any] = poll(lambda: (row := self.concierge())["status"] == status and row)
        return row

    def machine_of(self, workspace_id: str) -> str:
        """Return the instance id of the machine that a workspace has now."""
        name = f"ws-tenant-{self.slug}-{workspace_id[:8]}"

        def running() -> Any:
            machine = self.twin.machines(self.slug).get(name)
            return machine is not None and machine["State"]["Name"] == "running" and machine["InstanceId"]

        return str(poll(running))

    def say(self, text: str) -> Any:
        """Send one chat turn to the concierge and return the text of its answer.

        A concierge registers before it listens, so the very first turns may not reach it.
        """
        message = {"role": "user", "messageId": os.urandom(8).hex(), "parts": [{"kind": "text", "text": text}]}
        turn = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": message}}
        path = f"/workspaces/{self.concierge()['id']}/a2a"
        reply = poll(lambda: (reply := self.call("POST", path, turn)).status != 502 and reply)
        assert reply.status == 200, reply.body
        return reply.document()["result"]["parts"][0]["text"]


def find_route(
    routes: list[tuple[str, str, Handler]],
    method: str,
    path: str,
    headers: Mapping[str, str],
    document: object = None,
    body: bytes = b"",
) -> tuple[Call, Handler]:
    """Return the call and the handler that a request meets, without a server in between."""
    bare, _, query = path.partition("?")
    for known_method, pattern, handler in routes:
        parameters = _match(pattern, bare)
        if known_method != method or parameters is None:
            continue
        call = Call(
            method=method,
            path=bare,
            headers={name.lower(): value for name, value in headers.items()},
            body=body if document is None else json.dumps(document).encode(),
            parameters=parameters,
            query=dict(pair.split("=") for pair in query.split("&")) if query else {},
        )
        return call, handler
    raise AssertionError(f"no route {method} {bare}")


@pytest.fixture
def route() -> Callable[..., tuple[Call, Handler]]:
    """Finds the handler of a request: see :func:`find_route`."""
    return find_route


def _match(pattern: str, path: str) -> dict[str, str] | None:
    names, parts = pattern.split("/"), path.split("/")
    if len(names) != len(parts):
        return None
    found: dict[str, str] = {}
    for name, part in zip(names, parts, strict=True):
        if name.startswith("{"):
            found[name[1:-1].partition(":")[0]] = part
        elif name != part:
            return None
    return found


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait for a condition: see :func:`poll`."""
    return poll


StartTwin = Callable[..., Twin]


@pytest.fixture
def start_twin(tmp_path: Path) -> Iterator[StartTwin]:
    """Start twins with the given flags; what a test leaves running is ended."""
    started: list[Twin] = []

    def start(*flags: str, stdin: int = subprocess.PIPE) -> Twin:
        # Not below the test's own folder, which is private to the user of the test: the agent has another one.
        folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"twin-test-{os.urandom(6).hex()}"
        folder.mkdir(mode=0o711)
        process = subprocess.Popen(
            [sys.executable, "-m", "e2e.twin.serve", "--json", "--speed", str(SPEED), *flags],
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(folder)},
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        twin = Twin(process, json.loads(line) if line else {}, folder)
        started.append(twin)
        assert line, "the twin did not become ready"
        return twin

    yield start
    for twin in started:
        twin.process.terminate()
        twin.process.wait(PATIENCE)
        for stream in (twin.process.stdin, twin.process.stdout):
            if stream is not None:
                stream.close()
        poll(partial(_is_empty, twin.folder))
        twin.folder.rmdir()


def _is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


def _listening(connections: Iterable[Any]) -> set[int]:
    return {connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN}


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
