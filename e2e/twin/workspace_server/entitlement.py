"""Who is entitled to manage the organisation: its platform root, by the platform's own records and nothing else.

A workspace that *says* it has the management server gains nothing by that; the functions below that give something to
an ordinary workspace do so only while a fault is on.
"""

from e2e.twin.database import Row
from e2e.twin.workspace_server.plugins import declare_plugin
from e2e.twin.workspace_server.provision import reprovision_in_background
from e2e.twin.workspace_server.tenant import Tenant

ORG_KEY = "MOLECULE_ORG_API_KEY"
"""The variable that holds the organisation's key, without which no management tool works."""


def honour_self_report(tenant: Tenant, row: Row, presence: bool | None) -> None:
    """Take a workspace's own word for its entitlement, which the platform never does: fault ``entitlement-bypass``.

    The workspace gets the management plugin, the organisation's key, and a new container that has both.
    """
    if row["kind"] == "platform" or row["status"] == "removed" or presence is not True:
        return
    if _has_org_key(tenant, row["id"]) or not tenant.faults.acts("entitlement-bypass", "entitlement check"):
        return
    contract = tenant.contract
    declare_plugin(tenant, row["id"], contract.plugin_declared_name, contract.plugin_source)
    tenant.database.execute(
        "INSERT INTO workspace_secrets (workspace_id, key, value) VALUES (?, ?, ?)",
        row["id"],
        ORG_KEY,
        tenant.configuration.admin_token,
    )
    reprovision_in_background(tenant, row["id"])


def _has_org_key(tenant: Tenant, workspace_id: str) -> bool:
    found = tenant.database.row(
        "SELECT 1 FROM workspace_secrets WHERE workspace_id = ? AND key = ?", workspace_id, ORG_KEY
    )
    return found is not None
