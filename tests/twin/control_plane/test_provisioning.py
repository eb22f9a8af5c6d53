"""From an order to a tenant: what goes wrong on the machine becomes the organisation's last error."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.control_plane.provisioning import platform_agent_id
from e2e.twin.control_plane.tenant_container import PORT_FILE, tenant_container
from e2e.twin.listener import Listener, bind_loopback
from e2e.twin.wire import Answer, Application, Call, Route
from e2e.twin.workspace_server.configuration import TenantConfiguration


class FakeContainer:
    """A container that is a folder."""

    def __init__(self, folder: Path, *, running: bool = True) -> None:
        self.rootfs = folder
        self.log_path = folder / "log"
        self.log_path.write_text("first\nlast words\n")
        self.running = running

    def is_running(self) -> bool:
        return self.running


class FakeMachine:
    """A machine that gives the container it was made with."""

    def __init__(self, container: FakeContainer | Exception) -> None:
        self.container = container

    def run_container(self, _spec: Any) -> FakeContainer:
        if isinstance(self.container, Exception):
            raise self.container
        return self.container


def boot(office: Any, container: FakeContainer | Exception) -> None:
    office.create()
    office.machines.launched[0]["on_running"](FakeMachine(container))


def settled(office: Any) -> tuple[str, str]:
    office.until(lambda: office.org("e2e-one")["instance_status"] in ("running", "failed"))
    row = office.org("e2e-one")
    return row["instance_status"], row["last_error"]


@pytest.mark.parametrize("status", [200, 500])
def test_an_org_runs_when_its_server_is_healthy_and_has_taken_the_concierge(
    office: Any, tmp_path: Path, status: int
) -> None:
    installs: list[Any] = []

    def install(call: Call) -> Answer:
        installs.append((call.json_object(), call.headers["x-molecule-org-id"]))
        return Answer(status, {"status": "installed"})

    routes = [
        Route("GET", "/health", lambda _: Answer(200, {"status": "ok"})),
        Route("POST", "/admin/org/platform-agent", install),
    ]
    listener = Listener(Application(routes), bind_loopback(0))
    listener.start()
    try:
        (tmp_path / PORT_FILE).parent.mkdir()
        (tmp_path / PORT_FILE).write_text(str(listener.port))
        boot(office, FakeContainer(tmp_path))
        reached = settled(office)
    finally:
        listener.stop()
    org_id = office.org("e2e-one")["id"]
    assert installs == [({"id": platform_agent_id(org_id), "name": "E2E e2e-one Agent"}, org_id)]
    refused = ("failed", "installing the platform agent answered HTTP 500")
    assert reached == (("running", "") if status == 200 else refused)


def test_a_server_that_ends_is_quoted(office: Any, tmp_path: Path) -> None:
    boot(office, FakeContainer(tmp_path, running=False))
    assert settled(office) == ("failed", "container molecule-tenant ended: last words")


def test_a_server_that_never_comes_up_fails_the_org(office: Any, tmp_path: Path) -> None:
    boot(office, FakeContainer(tmp_path))
    assert settled(office) == ("failed", "the workspace-server did not start")


def test_a_container_that_cannot_start_fails_the_org(office: Any) -> None:
    boot(office, OSError("disk full"))
    assert settled(office) == ("failed", "OSError: disk full")


def test_the_tenants_container_knows_its_organisation_and_its_command_runs_anywhere(
    office: Any, tmp_path: Path
) -> None:
    created = office.create()
    spec = tenant_container(office.estate, office.org("e2e-one"))
    assert spec.environment["MOLECULE_ORG_ID"] == created["id"]
    spec.build_rootfs(tmp_path)
    configuration = TenantConfiguration.read(tmp_path / "app/tenant.json")
    assert (configuration.org_slug, configuration.shared_secret) == ("e2e-one", "shared")
    command = tmp_path / spec.command[0].lstrip("/")
    assert subprocess.run(["sh", "-n", str(command)], check=False).returncode == 0
    assert str(tmp_path / "app/tenant.json") in command.read_text()
