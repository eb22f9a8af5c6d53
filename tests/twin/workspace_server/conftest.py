"""A tenant without processes: its routes are called in this process, its control plane is a fake behind a real port."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.background import Background
from e2e.twin.clock import PlatformClock
from e2e.twin.database import Database
from e2e.twin.faults.plan import FaultPlan, FaultSwitch, parse_fault
from e2e.twin.identities import Identities
from e2e.twin.listener import Listener, bind_loopback
from e2e.twin.plugins.archive import plugin_archive
from e2e.twin.wire import Answer, Application, Call, Handler, RefusedError, Route
from e2e.twin.workspace_server.configuration import TenantConfiguration
from e2e.twin.workspace_server.gate import DEFAULT_GATE, POLICIES
from e2e.twin.workspace_server.guards import tenant_guard
from e2e.twin.workspace_server.routes import handlers_of
from e2e.twin.workspace_server.schema import SCHEMA
from e2e.twin.workspace_server.tenant import Tenant

ADMIN = "admin-token"
ORG = "11111111-1111-4111-8111-111111111111"


@dataclass
class Clockwork:
    """A monotonic clock that stands still until it is moved (wall seconds)."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeControlPlane:
    """Gives hosts without machines, and remembers what was asked."""

    provisions: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    archives: bool = True
    refuse: str | None = None

    def provision(self, call: Call) -> Answer:
        if self.refuse is not None:
            raise RefusedError(422, self.refuse)
        self.provisions.append(call.json_object() or {})
        return Answer(201, {"instance_id": f"i-{len(self.provisions):017x}", "state": "pending"})

    def delete(self, call: Call) -> Answer:
        self.deleted.append(call.parameters["workspace_id"])
        return Answer(200, {"status": "terminated"})

    def restart(self, call: Call) -> Answer:
        if self.refuse is not None:
            raise RefusedError(409, self.refuse)
        self.restarted.append(call.parameters["workspace_id"])
        return Answer(200, {"status": "restarted"})

    def archive(self, call: Call) -> Answer:
        names = call.parameters
        content = plugin_archive(names["owner"], names["repository"], names["file"].removesuffix(".tar.gz"))
        if content is None or not self.archives:
            raise RefusedError(404, "not found")
        return Answer(200, body=content)


@dataclass
class Desk:
    """One tenant, its log lines and a way to call it."""

    tenant: Tenant
    lines: list[str]
    control_plane: FakeControlPlane
    clockwork: Clockwork
    route: Callable[..., tuple[Call, Handler]]

    def call(
        self,
        method: str,
        path: str,
        document: object = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[int, Any]:
        """Call a route with exactly these headers and return status and JSON."""
        call, handler = self.route(handlers_of(self.tenant), method, path, headers or {}, document, body)
        try:
            tenant_guard(self.tenant, call)
            answer = handler(call)
        except RefusedError as refused:
            answer = refused.answer
        content, _ = answer.content()
        return answer.status, json.loads(content) if content else None

    def admin(self, method: str, path: str, document: object = None, **headers: str) -> tuple[int, Any]:
        """Call a route as the organisation's admin."""
        given = {"Authorization": f"Bearer {ADMIN}", "X-Molecule-Org-Id": ORG}
        return self.call(method, path, document, given | headers)

    def row(self, workspace_id: str) -> Any:
        """Return the workspace's row."""
        found = self.tenant.workspace(workspace_id)
        assert found is not None
        return found

    def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Poll until the condition is true and return its value."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "the condition never came"
            time.sleep(0.005)
        return value

    def box(self, workspace_id: str) -> Path:
        """Return the ``/configs`` of the workspace's host, made where it is missing."""
        folder = self.tenant.configs_of(self.row(workspace_id)["instance_id"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def acted(self) -> list[str]:
        """Return the faults that have acted, in the order of the trace."""
        trace = Path(self.tenant.configuration.faults.trace)
        lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
        return [json.loads(line)["fault"] for line in lines]

    def order(self, name: str = "worker") -> str:
        """Create an ordinary workspace and return its id."""
        status, answer = self.admin("POST", "/workspaces", {"name": name, "model": "moonshot/kimi-k2.6"})
        assert status == 201, answer
        return str(answer["id"])

    def register(self, workspace_id: str, **fields: object) -> tuple[int, Any]:
        """Register as a healthy agent would, with these fields laid over."""
        payload = {"id": workspace_id, "agent_card": {"name": "agent"}, "url": "http://localhost:1"}
        return self.call("POST", "/registry/register", payload | {"mcp_server_present": True} | fields)

    def beat(self, workspace_id: str, **fields: object) -> str:
        """Send a healthy heartbeat with these fields laid over (None leaves one out), and return the row's status."""
        contract = self.tenant.contract
        payload: dict[str, Any] = {
            "workspace_id": workspace_id,
            "error_rate": 0.0,
            contract.runtime_present_field: True,
        }
        payload |= {contract.loaded_mcp_tools_field: [contract.required_tool_id]} | fields
        sent = {name: value for name, value in payload.items() if value is not None}
        tokens = self.tenant.database.rows(
            "SELECT token FROM workspace_tokens WHERE workspace_id = ? AND kind = 'instance'", workspace_id
        )
        headers = {"Authorization": f"Bearer {tokens[-1]['token']}"} if tokens else {}
        status, answer = self.call("POST", "/registry/heartbeat", sent, headers)
        assert status == 200, answer
        return str(self.row(workspace_id)["status"])

    def install_concierge(self, workspace_id: str = "22222222-2222-4222-8222-222222222222") -> str:
        """Install the platform agent and wait until its provision was asked for."""
        status, _ = self.admin("POST", "/admin/org/platform-agent", {"id": workspace_id, "name": "Acme Agent"})
        assert status == 200
        self.until(lambda: self.row(workspace_id)["instance_id"])
        return workspace_id


@pytest.fixture(scope="module")
def control_plane_server() -> Iterator[tuple[str, list[FakeControlPlane]]]:
    """One port for all tests of a module; the list's only element answers."""
    current = [FakeControlPlane()]

    def provision(call: Call) -> Answer:
        return current[0].provision(call)

    def delete(call: Call) -> Answer:
        return current[0].delete(call)

    def restart(call: Call) -> Answer:
        return current[0].restart(call)

    def archive(call: Call) -> Answer:
        return current[0].archive(call)

    routes = [
        Route("GET", "/api/v1/repos/{owner}/{repository}/archive/{file:path}", archive),
        Route("POST", "/cp/workspaces/{workspace_id}/restart", restart),
        Route("POST", "/cp/workspaces/provision", provision),
        Route("DELETE", "/cp/workspaces/{workspace_id}", delete),
    ]
    listener = Listener(Application(routes), bind_loopback(0))
    yield listener.start(), current
    listener.stop()


MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(
    tmp_path: Path,
    control_plane_server: tuple[str, list[FakeControlPlane]],
    route: Callable[..., tuple[Call, Handler]],
) -> Iterator[MakeDesk]:
    """Make a tenant with the given faults (as on the command line) and gate."""
    url, current = control_plane_server
    tenants: list[Tenant] = []

    def make(*faults: str, gate: str = DEFAULT_GATE) -> Desk:
        current[0] = FakeControlPlane()
        clockwork, lines = Clockwork(), []  # type: ignore[var-annotated]
        plan = FaultPlan(
            tuple(parse_fault(text) for text in faults), 0.0, 100.0, str(tmp_path / f"trace-{len(tenants)}.jsonl")
        )
        configuration = TenantConfiguration(
            org_id=ORG,
            org_slug="acme",
            org_name="Acme",
            admin_token=ADMIN,
            control_plane_url=url,
            shared_secret="shared",
            template_repository_token="template-token",
            public_url="http://127.0.0.1:1",
            database=str(tmp_path / f"tenant-{len(tenants)}.sqlite"),
            port_file=str(tmp_path / "port"),
            hosts_folder=str(tmp_path / "hosts"),
            seed="0",
            speed=100.0,
            gate=gate,
            build="f" * 40,
            faults=plan,
        )
        tenant = Tenant(
            configuration=configuration,
            contract=load_contract(),
            gate=POLICIES[gate],
            database=Database(Path(configuration.database), SCHEMA),
            clock=PlatformClock(100.0, real_floor=0.5),
            log=lines.append,
            faults=FaultSwitch(plan, clockwork),
            identities=Identities("0"),
            background=Background(),
            own_url="http://127.0.0.1:2",
            monotonic=clockwork,
        )
        tenants.append(tenant)
        return Desk(tenant, lines, current[0], clockwork, route)

    yield make
    for tenant in tenants:
        assert tenant.background.stop()
        tenant.database.close()


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    """A tenant with the default gate and no fault."""
    return make_desk()


@pytest.fixture
def concierge(desk: Desk) -> str:
    """The id of an installed, provisioning concierge."""
    return desk.install_concierge()
