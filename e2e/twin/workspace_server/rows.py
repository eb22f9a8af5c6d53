"""How a workspace row looks from outside: the list and the single row carry different fields (docs/platform.md)."""

import json

from e2e.twin.database import Row
from e2e.twin.wire import Document
from e2e.twin.workspace_server.tenant import Tenant

ONLY_IN_LIST = frozenset({"budget_limit", "monthly_spend", "current_task", "last_sample_error", "workspace_dir"})
"""Fields that the single row lacks: ``last_sample_error`` can be read from the list alone."""


def list_row(tenant: Tenant, row: Row) -> Document:
    """Return the row as GET /workspaces shows it; later versions of the gate add the tools that were reported last."""
    shown: Document = {
        "id": row["id"],
        "name": row["name"],
        "tier": row["tier"],
        "status": row["status"],
        "url": row["url"],
        "parent_id": row["parent_id"],
        "kind": row["kind"],
        "active_tasks": row["active_tasks"],
        "max_concurrent_tasks": row["max_concurrent_tasks"],
        "last_error_rate": row["last_error_rate"],
        "last_sample_error": row["last_sample_error"],
        "uptime_seconds": row["uptime_seconds"],
        "current_task": row["current_task"],
        "runtime": row["runtime"],
        "workspace_dir": row["workspace_dir"],
        "monthly_spend": row["monthly_spend"],
        "budget_limit": row["budget_limit"],
        "x": row["x"],
        "y": row["y"],
        "collapsed": False,
        "broadcast_enabled": False,
        "talk_to_user_enabled": True,
        "compute": json.loads(row["compute"]),
        "role": row["role"],
        "agent_card": json.loads(row["agent_card"]) if row["agent_card"] else None,
    }
    if tenant.gate.keeps_tools:
        tools = row["loaded_mcp_tools"]
        shown[tenant.contract.loaded_mcp_tools_field] = None if tools is None else json.loads(tools)
    return shown


def single_row(tenant: Tenant, row: Row) -> Document:
    """Return the row as GET /workspaces/:id shows it."""
    shown = {name: value for name, value in list_row(tenant, row).items() if name not in ONLY_IN_LIST}
    return shown | {
        "last_outbound_at": row["last_outbound_at"],
        "last_heartbeat_at": row["last_heartbeat_at"],
        "wedged": row["runtime_state"] == "wedged",
    }


def listed_rows(tenant: Tenant) -> list[Row]:
    """Return all rows but the removed ones, oldest first."""
    return tenant.database.rows("SELECT * FROM workspaces WHERE status <> 'removed' ORDER BY created_at, rowid")


def children_of(tenant: Tenant, workspace_id: str) -> list[Row]:
    """Return the rows directly under a workspace, removed ones left out."""
    return tenant.database.rows(
        "SELECT * FROM workspaces WHERE parent_id = ? AND status <> 'removed' ORDER BY created_at", workspace_id
    )
