"""How an organisation gets its tenant: a machine, the workspace-server on it, the concierge's row in that.

The row's ``instance_status`` tells it: absent, ``provisioning``, then ``running`` or ``failed`` with ``last_error``.
"""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from e2e.twin.control_plane.boot_failures import (
    TenantBootError,
    fail_to_finish,
    fail_to_launch,
    fail_to_set_up,
    loses_the_race,
)
from e2e.twin.control_plane.estate import Estate
from e2e.twin.control_plane.incidents import schedule_incidents
from e2e.twin.control_plane.tenant_container import PORT_FILE, TENANT_CONTAINER, tenant_container
from e2e.twin.database import Row
from e2e.twin.hosts.container import Container
from e2e.twin.hosts.host import Host, HostGoneError
from e2e.twin.outbound import UnreachableError, request, request_json

UNLISTED_SECONDS = 2.0
"""Platform seconds before the row shows an ``instance_status`` at all."""

TENANT_BOOT_SECONDS = 15.0
REGISTRATION_SECONDS = 5.0
"""Platform seconds from a machine's ``running`` to its listing by SSM."""

TENANT_READY_SECONDS = 420.0
"""Platform seconds that the workspace-server has to come up."""

REQUEST_SECONDS = 60.0
POLL_SECONDS = 0.01
"""Wall seconds between two looks at a process that is starting: it is real work, which speed does not shorten."""


def provision_org(estate: Estate, org_id: str) -> None:
    """Provision the organisation in a thread of its own."""
    estate.background.start(f"org-{org_id[:8]}", lambda: _provision(estate, org_id))


def platform_agent_id(org_id: str) -> str:
    """Return the id of an organisation's concierge, which follows from the organisation's."""
    return str(uuid.uuid5(uuid.UUID(org_id), "platform-agent"))


def _provision(estate: Estate, org_id: str) -> None:
    if estate.background.stopping.wait(estate.clock.wall(UNLISTED_SECONDS)):
        return
    row = estate.org_by_id(org_id)
    if row is None:
        return
    _set_status(estate, org_id, "provisioning")
    estate.record_boot_event(org_id, "launching")
    slow = estate.switch.acting("slow-boot", row["slug"])
    extra = slow.parameters["seconds"] if slow is not None else 0.0
    try:
        fail_to_launch(estate, row)
        estate.launch_for(
            org_id,
            lambda: estate.machines.launch(
                name_tag=f"tenant-{row['slug']}",
                tags={"Environment": "staging", "molecule:org-id": org_id},
                boot_seconds=TENANT_BOOT_SECONDS + extra,
                registration_seconds=REGISTRATION_SECONDS,
                on_running=lambda host: _set_up(estate, row, host),
            ),
            lambda instance_id: _set_instance(estate, org_id, instance_id),
        )
    except Exception as error:  # noqa: BLE001  (the border of a thread: whatever it is becomes the row's last_error)
        _fail(estate, org_id, error)


def _set_up(estate: Estate, row: Row, host: Host) -> None:
    """Run on the machine as soon as it is up; returns quickly, the rest goes on in a thread."""
    if loses_the_race(estate, row, host):
        return
    estate.record_boot_event(row["id"], "installing")
    if estate.switch.acts("provisioning-timeout", row["slug"]):
        return
    try:
        fail_to_set_up(estate, row)
        container = host.run_container(tenant_container(estate, row))
    except HostGoneError:
        return
    except Exception as error:  # noqa: BLE001  (the border to the machine: whatever it is becomes the row's last_error)
        _fail(estate, row["id"], error)
        return
    estate.background.start(f"tenant-{row['slug']}", lambda: _finish(estate, row, host, container))


def _finish(estate: Estate, row: Row, host: Host, container: Container) -> None:
    org_id = row["id"]
    try:
        estate.record_boot_event(org_id, "starting")
        url = _wait_for_server(estate, org_id, container)
        fail_to_finish(estate, row)
        estate.database.execute("UPDATE orgs SET tenant_url = ? WHERE id = ?", url, org_id)
        _install_concierge(estate, row, url)
        _fail_for_a_while(estate, row)
        _set_status(estate, org_id, "running")
        estate.record_boot_event(org_id, "ready")
        schedule_incidents(estate, row, host, container)
    except Exception as error:  # noqa: BLE001  (the border of a thread: whatever it is becomes the row's last_error)
        _fail(estate, org_id, error)


def _wait_for_server(estate: Estate, org_id: str, container: Container) -> str:
    port_file = container.rootfs / PORT_FILE
    for _ in _polls(estate, org_id, "the workspace-server did not start"):
        if port_file.exists():
            break
        if not container.is_running():
            raise TenantBootError(f"container {TENANT_CONTAINER} ended: {_last_line(container.log_path)}")
    url = f"http://127.0.0.1:{int(port_file.read_text(encoding='ascii'))}"
    for _ in _polls(estate, org_id, "the workspace-server did not become healthy"):
        try:
            if request("GET", f"{url}/health", timeout=estate.clock.real(REQUEST_SECONDS)).status == 200:
                break
        except UnreachableError:
            continue
    return url


def _polls(estate: Estate, org_id: str, failure: str) -> Iterator[None]:
    """Yield at once and then each few milliseconds, until the time is over or nobody wants the tenant any more."""
    deadline = time.monotonic() + estate.clock.real(TENANT_READY_SECONDS)
    while True:
        yield
        row = estate.org_by_id(org_id)
        if row is None or row["purging"] or time.monotonic() >= deadline:
            raise TenantBootError(failure)
        if estate.background.stopping.wait(POLL_SECONDS):
            raise TenantBootError("the twin is ending")


def _install_concierge(estate: Estate, row: Row, url: str) -> None:
    reply = request_json(
        "POST",
        f"{url}/admin/org/platform-agent",
        {"id": platform_agent_id(row["id"]), "name": f"{row['name']} Agent"},
        timeout=estate.clock.real(REQUEST_SECONDS),
        headers={"Authorization": f"Bearer {row['admin_token']}", "X-Molecule-Org-Id": row["id"]},
    )
    if reply.status != 200:
        raise TenantBootError(f"installing the platform agent answered HTTP {reply.status}")


def _fail_for_a_while(estate: Estate, row: Row) -> None:
    """Let whoever watches boots lose patience once, as the bootstrap watcher did (F-47)."""
    fault = estate.switch.acting("transient-failed", row["slug"])
    if fault is not None:
        _fail(estate, row["id"], TenantBootError("the workspace-server did not become healthy"))
        estate.background.stopping.wait(estate.clock.wall(fault.parameters["seconds"]))


def _set_status(estate: Estate, org_id: str, status: str, error: str = "") -> None:
    estate.database.execute("UPDATE orgs SET instance_status = ?, last_error = ? WHERE id = ?", status, error, org_id)


def _set_instance(estate: Estate, org_id: str, instance_id: str) -> None:
    estate.database.execute("UPDATE orgs SET instance_id = ? WHERE id = ?", instance_id, org_id)


def _fail(estate: Estate, org_id: str, error: Exception) -> None:
    row = estate.org_by_id(org_id)
    if row is None or row["purging"]:
        return
    message = f"{type(error).__name__}: {error}" if not isinstance(error, TenantBootError) else str(error)
    _set_status(estate, org_id, "failed", message)
    estate.record_boot_event(org_id, "failed", message)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "without a word"
