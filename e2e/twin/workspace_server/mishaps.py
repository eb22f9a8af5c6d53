"""What befalls a concierge that is online, while a fault is on: each happens once in the life of the server."""

from collections.abc import Callable

from e2e.twin.database import Row, timestamp
from e2e.twin.workspace_server.control_plane_client import ProvisionError, deprovision
from e2e.twin.workspace_server.restart import restart_in_background
from e2e.twin.workspace_server.tenant import Tenant

MISHAP_INTERVAL = 5.0
"""Platform seconds between two looks."""


class Mishaps:
    """Looks at the concierge and lets happen what is due. ``after`` of a fault is platform seconds of being online."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._online_since: float | None = None
        self._happened: set[str] = set()

    def look(self) -> None:
        """Let each mishap happen whose fault is on and for whose time the concierge has been online."""
        tenant = self._tenant
        row = tenant.platform_root()
        if row is None or row["status"] != "online":
            return
        now = tenant.monotonic()
        if self._online_since is None:
            self._online_since = now
        age = tenant.clock.platform(now - self._online_since)
        for name, happen in _MISHAPS.items():
            fault = tenant.faults.current(name)
            if fault is not None and name not in self._happened and age >= fault.parameters["after"]:
                self._happened.add(name)
                tenant.faults.acts(name, "concierge online")
                happen(tenant, row)
                return


def _bury(tenant: Tenant, row: Row) -> None:
    """Leave a tombstone for a concierge whose machine goes on."""
    tenant.database.execute(
        "UPDATE workspaces SET status = 'removed', removed_at = ?, live_until = NULL WHERE id = ?",
        timestamp(tenant.clock.now()),
        row["id"],
    )
    tenant.database.execute("UPDATE workspace_tokens SET revoked = 1 WHERE workspace_id = ?", row["id"])


def _bury_with_secrets(tenant: Tenant, row: Row) -> None:
    """Leave a tombstone without secrets: the next heartbeat of the machine is denied."""
    with tenant.database.transaction():
        _bury(tenant, row)
        tenant.database.execute("DELETE FROM workspace_secrets WHERE workspace_id = ?", row["id"])


def _lose_host(tenant: Tenant, row: Row) -> None:
    try:
        deprovision(tenant, row["id"], row["instance_id"])
    except ProvisionError as error:
        tenant.log(f"Provisioner: workspace {row['id']} deprovision failed: {error}")


def _restart(tenant: Tenant, row: Row) -> None:
    restart_in_background(tenant, row["id"])


_MISHAPS: dict[str, Callable[[Tenant, Row], None]] = {
    "concierge-removed": _bury,
    "tombstone-revived": _bury_with_secrets,
    "online-while-host-gone": _lose_host,
    "stale-register-failure": _restart,
}
