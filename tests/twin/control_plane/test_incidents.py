"""What happens to an organisation after it came up: in the small, and to a whole twin."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.control_plane.incidents import schedule_incidents
from e2e.twin.hosts.container import ContainerError


@dataclass
class FakeContainer:
    """A container that is a folder with a log and an application."""

    folder: Path
    name: str = "molecule-tenant"
    stopped: bool = False
    log_path: Path = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "app").mkdir(parents=True)
        self.log_path = self.folder / "log"
        self.log_path.write_text("2026-06-20T12:00:00Z o a line\n")

    @property
    def rootfs(self) -> Path:
        return self.folder

    def stop(self) -> None:
        raise ContainerError("the test has no supervisor")


def came_up(office: Any, folder: Path) -> FakeContainer:
    """Let the incidents of a fresh organisation begin."""
    office.create()
    container = FakeContainer(folder)
    schedule_incidents(office.estate, office.org("e2e-one"), object(), container)  # type: ignore[arg-type]
    return container


def test_without_a_fault_nothing_happens(office: Any, tmp_path: Path) -> None:
    container = came_up(office, tmp_path / "tenant")
    assert office.estate.background.stop()
    assert container.log_path.read_text()
    assert office.estate.org("e2e-one") is not None


def test_an_organisation_vanishes_with_a_receipt_and_all_of_its_machines(
    make_office: Callable[..., Any], tmp_path: Path
) -> None:
    office = make_office("org-vanished:seconds=200")
    began = time.monotonic()
    came_up(office, tmp_path / "tenant")
    office.until(lambda: office.estate.org("e2e-one") is None)
    assert time.monotonic() - began >= 0.2
    assert set(office.machines.states.values()) == {"shutting-down"}
    assert office.admin("GET", "/cp/admin/purges")[1]["purges"][0]["slug"] == "e2e-one"
    gone = (404, {"error": "org not found", "slug": "e2e-one"})
    assert office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events") == gone
    assert office.acted("org-vanished") == 1


def test_the_pin_moves_to_another_image_of_the_template(make_office: Callable[..., Any], tmp_path: Path) -> None:
    office = make_office("pin-moved:seconds=0")
    (before,) = office.admin("GET", "/cp/admin/runtime-image/promote")[1]["pins"]
    came_up(office, tmp_path / "tenant")
    office.until(lambda: office.admin("GET", "/cp/admin/runtime-image/promote")[1]["pins"] != [before])
    (after,) = office.admin("GET", "/cp/admin/runtime-image/promote")[1]["pins"]
    assert after["template"] == before["template"]
    assert after["digest"] == "sha256:" + "b" * 64
    assert after["promoted_by"] != before["promoted_by"]
    assert after["promoted_at"] > before["promoted_at"]


def test_a_rotated_log_reads_empty_and_what_was_written_is_kept_beside_it(
    make_office: Callable[..., Any], tmp_path: Path
) -> None:
    office = make_office("log-unreadable")
    container = came_up(office, tmp_path / "tenant")
    office.until(lambda: container.log_path.read_text() == "")
    assert "a line" in container.log_path.with_suffix(".1").read_text()


def test_an_incident_waits_for_its_begin_as_well(make_office: Callable[..., Any], tmp_path: Path) -> None:
    office = make_office("org-vanished:begin=100000,seconds=0")
    came_up(office, tmp_path / "tenant")
    assert office.estate.background.stop()
    assert office.estate.org("e2e-one") is not None
    assert office.acted("org-vanished") == 0


def test_what_is_being_purged_is_left_alone(make_office: Callable[..., Any], tmp_path: Path) -> None:
    office = make_office("org-vanished:seconds=0")
    office.create()
    org = office.org("e2e-one")
    office.estate.database.execute("UPDATE orgs SET purging = 1")
    schedule_incidents(office.estate, org, object(), FakeContainer(tmp_path / "tenant"))  # type: ignore[arg-type]
    assert office.estate.background.stop()
    assert office.estate.org("e2e-one") is not None
    assert office.acted("org-vanished") == 0


def container_seen(twin: Any, org: Any) -> dict[str, Any]:
    """Return what the tenant's own API and its machine say of the build."""
    build = org.call("GET", "/buildinfo").document()
    (folder,) = twin.folder.glob("molecule-twin-*/hosts/*/containers/molecule-tenant")
    return {"build": build["git_sha"], "id": json.loads((folder / "inspect.json").read_text())["Id"]}


@pytest.mark.twin
def test_a_redeployed_tenant_has_another_build_in_another_container_and_the_same_rows(start_twin: Any) -> None:
    twin = start_twin("--fault", "platform-moved:seconds=400")
    org = twin.create_org("e2e-redeployed")
    before, concierge = container_seen(twin, org), org.concierge()["id"]

    def moved() -> bool:
        reply = org.call("GET", "/buildinfo")
        return bool(reply.status == 200 and reply.document()["git_sha"] != before["build"])

    deadline = time.monotonic() + 20
    while not moved():
        assert time.monotonic() < deadline, "the tenant was never redeployed"
        time.sleep(0.01)
    after = container_seen(twin, org)
    assert len(after["build"]) == 40
    assert after["id"] != before["id"]
    assert org.concierge()["id"] == concierge
