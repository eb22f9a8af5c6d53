"""A workspace's container is stopped and started where it is (docs/platform.md, status machine)."""

from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.control_plane_client import ProvisionError, restart
from e2e.twin.workspace_server.guards import admin_guard
from e2e.twin.workspace_server.tenant import Tenant
from e2e.twin.workspace_server.workspaces import find


def restart_in_background(tenant: Tenant, workspace_id: str) -> None:
    """Move the row to ``provisioning`` and restart its container; a failure ends in the row."""
    tenant.database.execute(
        "UPDATE workspaces SET status = 'provisioning', provisioning_since = ? WHERE id = ? AND status <> 'removed'",
        tenant.monotonic(),
        workspace_id,
    )
    tenant.background.start(f"restart-{workspace_id[:8]}", lambda: _restart(tenant, workspace_id))


def restart_workspace(tenant: Tenant, call: Call) -> Answer:
    """Answer POST /workspaces/:id/restart."""
    admin_guard(tenant, call)
    row = find(tenant, call.parameters["workspace_id"])
    if row["status"] == "removed":
        raise RefusedError(410, "workspace removed", id=row["id"])
    restart_in_background(tenant, row["id"])
    return Answer(200, {"status": "provisioning"})


def _restart(tenant: Tenant, workspace_id: str) -> None:
    try:
        restart(tenant, workspace_id)
    except ProvisionError as error:
        tenant.fail(workspace_id, f"restart failed: {error}")
