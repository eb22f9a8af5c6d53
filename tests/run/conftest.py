"""Stand-ins at the ports of a run: a platform on a real port, hosts that answer looks, a clock that does not wait."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from e2e.clients.control_plane import ControlPlane, Organisation
from e2e.clients.tenant import Tenant, TenantAddress, WorkspaceRow
from e2e.contract import load_contract
from e2e.evidence.bundle import Bundle
from e2e.evidence.events import Event, EventLog, read_events
from e2e.evidence.masking import Masker, Secret
from e2e.hosts.access import HostAnswer, HostRef
from e2e.hosts.errors import HostAccessError
from e2e.ledger.ledger import Ledger
from e2e.run.boot import BootResult
from e2e.run.context import Run
from e2e.run.journal import Journal
from e2e.run.order import RunOrder
from e2e.run.plan import Limits
from e2e.run.platform_time import PlatformTime
from e2e.run.target import AwsAccessKeys, Connection
from e2e.run.waiting import Deadline, Interrupted, Interruption, Pacing
from e2e.scenario.model import Scenario
from e2e.verdict.environment import Environment
from e2e.verdict.policy import Policy

CONCIERGE = "c0c0c0c0-0000-4000-8000-000000000001"
ORGANISATION = "0a0a0a0a-0000-4000-8000-00000000000a"
TENANT_HOST, CONCIERGE_HOST = "i-0000000000000000a", "i-0000000000000000c"
FAST = 2000.0
"""Platform seconds per wall second: a hold of four minutes is over in 0.12 s."""

Override = Callable[[Mapping[str, Any]], tuple[int, object]]


class VirtualClock:
    """A pacing whose pauses cost nothing: time goes on by exactly what was waited for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.interrupt_at: float | None = None

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)
        if self.interrupt_at is not None and self.now >= self.interrupt_at:
            raise Interrupted("the run was asked to stop")


@dataclass
class FakePlatform:
    """A control plane and one tenant on one real port. ``answers`` replaces the answer to ``METHOD /path``.

    The concierge's row takes its status from ``statuses``, one per look at it, the last one for ever. Each look at an
    online row finds a new heartbeat unless ``beats`` is off.
    """

    answers: dict[str, Override] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=lambda: ["provisioning", "online"])
    organisation_statuses: list[str] = field(default_factory=lambda: ["running"])
    beats: bool = True
    agent: Callable[["FakePlatform", str], tuple[int, object]] | None = None
    requests: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    organisations: dict[str, dict[str, Any]] = field(default_factory=dict)
    purged: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    controls: list[str] = field(default_factory=list)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    looks_at_concierge: int = 0
    looks_at_organisation: int = 0

    def create_workspace(self, name: str, **fields: Any) -> str:
        """Make a workspace under the concierge, as the management server would, and return its id."""
        with self.lock:
            identity = str(uuid.uuid4())
            row = {"id": identity, "name": name, "kind": "workspace", "parent_id": CONCIERGE, "status": "online"}
            self.rows[identity] = {**row, "url": "http://x", "runtime": "claude-code", **fields}
            return identity

    def seen(self, request: str) -> int:
        """How often a request (``METHOD /path``, without query) was sent."""
        return sum(1 for one in self.requests if one == request)

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, object]:
        with self.lock:
            name = f"{method} {path.partition('?')[0]}"
            self.requests.append(name)
            self.bodies.append(body)
            for pattern, override in self.answers.items():
                if re.fullmatch(pattern, name):
                    return override(body)
            return self._usual(name, body)

    def concierge(self) -> dict[str, Any]:
        """The row of the concierge as it is now."""
        status = self.statuses[min(self.looks_at_concierge, len(self.statuses) - 1)]
        online = status == "online"
        beat = f"2026-06-19T10:00:00.{self.looks_at_concierge if self.beats else 0:06d}+00:00"
        return {
            "id": CONCIERGE, "name": "Agent", "kind": "platform", "parent_id": None, "status": status,
            "url": "http://localhost:1" if online else "", "runtime": "claude-code",
            "last_heartbeat_at": beat if online else None, "last_sample_error": None, "wedged": False,
        }  # fmt: skip

    def _usual(self, name: str, body: Mapping[str, Any]) -> tuple[int, object]:
        method, _, path = name.partition(" ")
        parts = path.strip("/").split("/")
        match method, *parts:
            case "POST", "cp", "admin", "orgs":
                row = {"id": ORGANISATION, "slug": body["slug"], "name": body["name"]}
                self.organisations[str(body["slug"])] = row
                return 201, row
            case "GET", "cp", "admin", "orgs":
                return 200, {"orgs": [self._organisation(row) for row in self.organisations.values()]}
            case "GET", "cp", "admin", "orgs", _, "admin-token":
                return 200, {"admin_token": "tenant-token-0123456789"}
            case "GET", "cp", "admin", "tenants", slug, "boot-events":
                known = slug in self.organisations
                return (200, {"events": []}) if known else (404, {"error": "org not found", "slug": slug})
            case "GET", "cp", "admin", "tenants", slug, "diagnostics":
                return 200, {"slug": slug, "healthy": True}
            case "DELETE", "cp", "admin", "tenants", slug:
                self.organisations.pop(slug, None)
                self.purged.append(slug)
                return 200, {"status": "purged"}
            case "GET", "cp", "admin", "purges":
                return 200, {"purges": [self._receipt(slug) for slug in self.purged]}
            case "GET", "health":
                return 200, {"status": "ok"}
            case "GET", "buildinfo":
                return 200, {"git_sha": "abc123"}
            case "GET", "workspaces":
                return 200, [self.concierge(), *self.rows.values()]
            case "GET", "workspaces", identity if identity == CONCIERGE:
                row = self.concierge()
                self.looks_at_concierge += 1
                return 200, row
            case "DELETE", "workspaces", identity:
                self.rows.pop(identity, None)
                return 200, {}
            case "POST", "workspaces", _, "a2a":
                return (self.agent or act)(self, str(body["params"]["message"]["parts"][0]["text"]))
            case "POST", "registry", "register":
                self.controls.append(str(body["id"]))
                return 400, {"error": "invalid kind"}
        return 404, {"error": "not found"}

    def _organisation(self, row: dict[str, Any]) -> dict[str, Any]:
        status = self.organisation_statuses[min(self.looks_at_organisation, len(self.organisation_statuses) - 1)]
        self.looks_at_organisation += 1
        return {**row, "instance_status": status, "last_error": "no capacity" if status == "failed" else None}

    def _receipt(self, slug: str) -> dict[str, Any]:
        at = "2026-06-19T10:10:00+00:00"
        return {"slug": slug, "org_id": ORGANISATION, "last_step": "completed", "completed_at": at}


def act(platform: FakePlatform, text: str) -> tuple[int, object]:
    """Do what the message asks for, as a concierge would."""
    found = re.search(r'named "([^"]+)"', text)
    if found is None:
        return reply("What should it be called?")
    platform.create_workspace(found[1])
    return reply(f"I created {found[1]}.")


def reply(text: str) -> tuple[int, object]:
    """An ordinary answer to a chat turn."""
    return 200, {"jsonrpc": "2.0", "id": "1", "result": {"parts": [{"kind": "text", "text": text}]}}


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """A platform that boots one sound concierge."""
    fake = FakePlatform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece: two would wait for each other's acknowledgement

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            status, document = fake.answer(self.command, self.path, json.loads(sent) if sent else {})
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = handle_one  # noqa: N815 - the names are http.server's

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class FakeHosts:
    """Two hosts that answer every look with what :attr:`concierge` and :attr:`log` say, and act on a launch.

    ``troubles`` are what the way to the hosts raises: ``reach`` first, one by one; ``failing`` is what the looks bring
    from a host instead of an answer.
    """

    platform: FakePlatform
    name: str = "aws-ssm"
    commands_sent: int = 0
    troubles: list[Exception] = field(default_factory=list)
    failing: dict[str, HostAccessError] = field(default_factory=dict)
    run_error: Exception | None = None
    left: list[list[HostRef]] = field(default_factory=list)
    left_error: HostAccessError | None = None
    concierge: dict[str, Any] = field(default_factory=dict)
    launch: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    readable: bool = True
    shows_controls: bool = True
    lives: list[str] = field(default_factory=lambda: ["2026-06-19T10:00:00Z"])
    requests: list[dict[str, Any]] = field(default_factory=list)

    def find(self) -> tuple[HostRef, ...]:
        return HOSTS

    def reach(self, until: Callable[[], None]) -> tuple[HostRef, ...]:
        until()
        if self.troubles:
            raise self.troubles.pop(0)
        return HOSTS

    def remaining_instances(self) -> tuple[HostRef, ...]:
        if self.left_error is not None:
            raise self.left_error
        return tuple(self.left.pop(0)) if self.left else ()

    def run(
        self, program: bytes, hosts: Sequence[HostRef], *, argument: bytes = b"", **rest: Any
    ) -> Mapping[str, HostAnswer | HostAccessError]:
        self.commands_sent += 1
        request = json.loads(argument)
        self.requests.append(request)
        if self.run_error is not None:
            raise self.run_error
        answers: dict[str, HostAnswer | HostAccessError] = {}
        for host in hosts:
            seen = self._look(host.instance_id, request)
            answer = HostAnswer(host.instance_id, 0, json.dumps(seen).encode(), b"", "cmd", 0.1)
            answers[host.instance_id] = self.failing.get(host.instance_id, answer)
        return answers

    def _look(self, instance_id: str, request: dict[str, Any]) -> dict[str, Any]:
        life = self.lives[min(len(self.requests), len(self.lives)) - 1]
        container = {"id": "f" * 64, "name": "x", "running": True, "started_at": life, "restart_count": 0}
        look: dict[str, Any] = {"version": 1, "host": {"boot_id": "b", "uid": 0}, "concierge": None}
        if instance_id == CONCIERGE_HOST:
            launch = self._launch(request["launch"]) if request["launch"] else None
            seen = {**SEEN, "image": IMAGE, "container": container, **self.concierge}
            return {**look, "concierge": {**seen, "launch": launch}}
        shown = [identity for identity in self.platform.controls if identity in request["control_ids"]]
        controls = [
            {"core": "registry_register_400", "workspace": "control", "control_id": one, "reason": "invalid_kind"}
            for one in (shown if self.shows_controls else [])
        ]
        # The first control stands before the lines of this log, the others after it.
        lines = [*controls[:1], *self.log, *controls[1:]]
        matches = [
            {"time": f"2026-06-19T10:00:{n:02d}.000000000Z", **line, "position": n} for n, line in enumerate(lines, 1)
        ]
        log = {"readable": self.readable, "complete": True, "lines": len(lines), "matches": matches}
        return {**look, "registry_log": {"container": container, "log": {**log, "matches_left_out": 0}}}

    def _launch(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["arguments"]["name"]
        identity = self.launch.get("row", self.platform.create_workspace)(name)
        call = {"answered": True, "is_error": False, "has_error": False, "workspace_id": identity}
        tool = {"name": "create_workspace", "takes_arguments": True}
        usual = {"source": "settings", "launched": True, "phase": "done", "tool_names": ["create_workspace"]}
        given = {key: value for key, value in self.launch.items() if key not in ("row", "call")}
        return {**usual, "tool": tool, **given, "call": {**call, **self.launch.get("call", {})}}


IMAGE = {"kind": "manifest", "digest": "sha256:" + "1" * 64}
SETTINGS = {
    "state": "ok",
    "servers": ["molecule-platform"],
    "entry": {"present": True, "command": "molecule-mcp", "command_resolves": True},
}
SEEN = {"settings": SETTINGS, "legacy_binary": False, "presence": {"answer": "true"}}
HOSTS = (
    HostRef(TENANT_HOST, "tenant-e2e", ("name-tag", "control-plane"), "running", "2026-06-19T10:00:00Z"),
    HostRef(CONCIERGE_HOST, "ws-tenant-e2e", ("name-tag",), "running", "2026-06-19T10:00:01Z"),
)


@pytest.fixture
def hosts(platform: FakePlatform) -> FakeHosts:
    """Hosts on which everything is sound."""
    return FakeHosts(platform)


@dataclass
class Stage:
    """A run on the stand-ins, with everything it writes."""

    run: Run
    boot: BootResult
    said: list[str]
    events_path: Path

    @property
    def events(self) -> list[Event]:
        return read_events(self.events_path)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def data(self, kind: str) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]

    def ends(self) -> dict[str, Mapping[str, Any]]:
        """How each stage ended."""
        return {str(data["stage"]): data for data in self.data("stage_ended")}

    @property
    def tenant(self) -> Tenant:
        assert self.boot.tenant is not None
        return self.boot.tenant

    @property
    def row(self) -> WorkspaceRow:
        assert self.boot.concierge is not None
        return self.boot.concierge

    def deadline(self, seconds: float = 60.0) -> Deadline:
        return Deadline.after(self.run.pacing, seconds)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """A scenario that demands everything."""
    return Scenario("fresh-boot", "A fresh boot.", ("local",), tmp_path / "fresh_boot.yaml")


@pytest.fixture
def make_stage(platform: FakePlatform, scenario: Scenario, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes runs on the platform; ``booted`` ones have their tenant and concierge already."""
    endings: list[Callable[[], object]] = []

    def make(
        *,
        pacing: Pacing | None = None,
        speed: float = FAST,
        exact: frozenset[str] = frozenset(),
        booted: bool = True,
        limits: Limits | None = None,
        seconds: float = 60.0,
        **changes: Any,
    ) -> Stage:
        masker = Masker()
        folder = tmp_path / f"bundle-{len(endings)}"
        bundle = Bundle.create(folder, masker=masker)
        events = EventLog(folder / "events.jsonl", "run", now=lambda: datetime.now(UTC), masker=masker)
        said: list[str] = []
        slug = "e2e-boot-00000000-00000000"
        pace = pacing or Interruption()
        time = PlatformTime(speed, exact)
        control_plane = ControlPlane(platform.url, Secret("admin-token-0123456789"), timeout=5.0)
        ledger = Ledger.open(
            folder, run_id="run", session_id="session", state_folder=tmp_path / "state", owner_pid=1,
            owner_started=0.0, slug=slug, control_plane_url=platform.url, now=lambda: datetime.now(UTC),
        )  # fmt: skip
        run = Run(
            run_id="run", slug=slug, organisation_name=f"E2E {slug}", scenario=replace(scenario, **changes),
            contract=load_contract(), connection=connection_to(platform.url, speed), control_plane=control_plane,
            time=time, pacing=pace, journal=Journal(events, said.append), bundle=bundle, ledger=ledger,
            masker=masker, now=lambda: datetime.now(UTC), deadline=Deadline.after(pace, seconds),
            limits=limits or Limits(),
        )  # fmt: skip
        boot = BootResult()
        endings.extend((events.close, control_plane.close))
        if booted:
            _boot(run, boot, platform)
            assert boot.tenant is not None
            endings.append(boot.tenant.close)
        return Stage(run, boot, said, folder / "events.jsonl")

    yield make
    for end in endings:
        end()


def connection_to(url: str, speed: float) -> Connection:
    """A connection whose control plane and tenant are behind one port."""
    return Connection(
        control_plane_url=url,
        admin_token=Secret("admin-token-0123456789"),
        tenants=TenantAddress(url, "staging.invalid"),
        aws_endpoint_url=url,
        aws_keys=AwsAccessKeys("AKIAFAKE", Secret("aws-secret-0123456789")),
        aws_region="us-east-2",
        aws_account="111122223333",
        speed=speed,
        image="claude-code",
        gate="2026-06-20",
        process_id=None,
    )


def _boot(run: Run, boot: BootResult, platform: FakePlatform) -> None:
    entry = run.ledger.intent("organisation", run.slug)
    run.ledger.created(entry, ORGANISATION)
    platform.organisations[run.slug] = {"id": ORGANISATION, "slug": run.slug, "name": run.organisation_name}
    boot.organisation = Organisation(ORGANISATION, run.slug, run.organisation_name, "running", None, None)
    boot.organisation_entry = entry
    token = Secret("tenant-token-0123456789")
    boot.tenant = Tenant(run.connection.tenants, run.slug, ORGANISATION, token, timeout=5.0)
    boot.concierge = WorkspaceRow(
        CONCIERGE, "Agent", "platform", None, "provisioning", None, "claude-code", None, None, False
    )


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that does not wait."""
    return VirtualClock()


@pytest.fixture
def make_order(platform: FakePlatform, scenario: Scenario, tmp_path: Path) -> Callable[..., RunOrder]:
    """Makes what a run is told; by default it is attached to the platform, at high speed."""

    def make(*, attached: bool = True, policy: Mapping[str, Any] | None = None, **changes: Any) -> RunOrder:
        chosen = Policy(False, "local", False, False, "never", FAST)
        environment = Environment(
            state_dir=tmp_path / "state", secrets=(("a-token", Secret("environment-secret-0123")),)
        )
        return RunOrder(
            run_id="session.fresh-boot.1",
            session_id="session",
            scenario=replace(scenario, **changes),
            policy=replace(chosen, **(policy or {})),
            environment=environment,
            contract=load_contract(),
            folder=tmp_path / "session" / "session.fresh-boot.1",
            attached=connection_to(platform.url, FAST) if attached else None,
            interruption=Interruption(),
            say=lambda _: None,
        )

    return make
