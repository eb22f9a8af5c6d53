"""GET and DELETE of workspaces (docs/platform.md, tenant API)."""

import uuid

from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.control_plane_client import ProvisionError, deprovision
from e2e.twin.workspace_server.guards import admin_guard, workspace_guard
from e2e.twin.workspace_server.rows import children_of, list_row, listed_rows, single_row
from e2e.twin.workspace_server.tenant import Tenant


def list_workspaces(tenant: Tenant, call: Call) -> Answer:
    """Answer GET /workspaces."""
    admin_guard(tenant, call)
    return Answer(200, [list_row(tenant, row) for row in listed_rows(tenant)])


def get_workspace(tenant: Tenant, call: Call) -> Answer:
    """Answer GET /workspaces/:id: open to whoever is routed to the tenant."""
    row = find(tenant, call.parameters["workspace_id"])
    if row["status"] == "removed" and call.query.get("include_removed") != "true":
        raise _gone(row)
    return Answer(200, single_row(tenant, row))


def get_model(tenant: Tenant, call: Call) -> Answer:
    """Answer GET /workspaces/:id/model."""
    row = find(tenant, call.parameters["workspace_id"])
    workspace_guard(tenant, call, row["id"])
    secret = tenant.database.row(
        "SELECT value FROM workspace_secrets WHERE workspace_id = ? AND key = 'MODEL'", row["id"]
    )
    if secret is None:
        return Answer(200, {"model": "", "source": "unresolved"})
    return Answer(200, {"model": secret["value"], "source": "workspace_secrets"})


def delete_workspace(tenant: Tenant, call: Call) -> Answer:
    """Answer DELETE /workspaces/:id: the exact name confirms it, ``confirm=true`` takes the children along."""
    admin_guard(tenant, call)
    row = find(tenant, call.parameters["workspace_id"])
    if row["status"] == "removed":
        raise _gone(row)
    children = children_of(tenant, row["id"])
    if call.headers.get("x-confirm-name") != row["name"]:
        raise RefusedError(
            400,
            "destructive_action_requires_confirmation",
            hint="send the header X-Confirm-Name with the exact name of the workspace",
            workspace_name=row["name"],
            active_tasks=row["active_tasks"],
            child_count=len(children),
            schedule_count=0,
        )
    if children and call.query.get("confirm") != "true":
        names = [{"id": child["id"], "name": child["name"]} for child in children]
        return Answer(409, {"status": "confirmation_required", "children": names})
    try:
        removed = _remove(tenant, row)
    except ProvisionError as error:
        raise RefusedError(500, f"failed to stop workspace: {error}") from error
    status = "purged" if call.query.get("purge") == "true" else "removed"
    return Answer(200, {"status": status, "cascade_deleted": removed - 1})


def find(tenant: Tenant, workspace_id: str) -> Row:
    """Return the row, removed ones included.

    Raises:
        RefusedError: 400 for an id that is no UUID, 404 for one that is not known.
    """
    try:
        uuid.UUID(workspace_id)
    except ValueError as error:
        raise RefusedError(400, "invalid workspace ID") from error
    row = tenant.workspace(workspace_id)
    if row is None:
        raise RefusedError(404, "workspace not found")
    return row


def _remove(tenant: Tenant, row: Row) -> int:
    removed = sum(_remove(tenant, child) for child in children_of(tenant, row["id"]))
    if row["instance_id"]:
        deprovision(tenant, row["id"], row["instance_id"])
    tenant.database.execute(
        "UPDATE workspaces SET status = 'removed', removed_at = ?, live_until = NULL WHERE id = ?",
        timestamp(tenant.clock.now()),
        row["id"],
    )
    tenant.database.execute("UPDATE workspace_tokens SET revoked = 1 WHERE workspace_id = ?", row["id"])
    tenant.record_event(row["id"], "WORKSPACE_REMOVED")
    return removed + 1


def _gone(row: Row) -> RefusedError:
    return RefusedError(
        410,
        "workspace removed",
        id=row["id"],
        removed_at=row["removed_at"],
        hint="ask with ?include_removed=true to see it all the same",
    )
