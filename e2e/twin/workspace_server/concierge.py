"""The platform agent: how it is installed, and what every provision of it gets (docs/platform.md, concierge)."""

import sqlite3

from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.concierge_faults import disturbed_source
from e2e.twin.workspace_server.guards import admin_guard
from e2e.twin.workspace_server.plugins import NotEntitledError, declare_plugin, record_install
from e2e.twin.workspace_server.schema import ONE_ROOT_INDEX
from e2e.twin.workspace_server.tenant import Tenant

CONCIERGE_MODEL = "moonshot/kimi-k2.6"
"""The model a concierge gets where none was chosen."""

NAME_PLACEHOLDER = "{{CONCIERGE_NAME}}"
SYSTEM_PROMPT = f"""# Org Concierge

You are {NAME_PLACEHOLDER}, the front door of this organisation. You manage it through the management MCP server,
above all by creating workspaces for the work that people bring to you.
"""


def install_row(tenant: Tenant, workspace_id: str, name: str) -> None:
    """Write the concierge's row (``offline``) and put the organisation's old roots under it; safe to repeat."""
    if tenant.faults.acts("no-concierge", "install of the platform agent"):
        return
    with tenant.database.transaction():
        tenant.database.execute(
            """INSERT INTO workspaces (id, name, tier, status, kind, template, runtime, created_at)
               VALUES (?, ?, 0, 'offline', 'platform', 'platform-agent', 'claude-code', ?)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = 'platform', parent_id = NULL""",
            workspace_id,
            name,
            timestamp(tenant.clock.now()),
        )
        tenant.database.execute(
            "UPDATE workspaces SET parent_id = ? WHERE parent_id IS NULL AND id <> ? AND status <> 'removed'",
            workspace_id,
            workspace_id,
        )
    if tenant.faults.acts("two-concierges", "install of the platform agent"):
        _install_another(tenant, name)


def _install_another(tenant: Tenant, name: str) -> None:
    tenant.database.execute(f"DROP INDEX IF EXISTS {ONE_ROOT_INDEX}")
    tenant.database.execute(
        """INSERT INTO workspaces (id, name, tier, status, kind, template, runtime, created_at)
           VALUES (?, ?, 0, 'offline', 'platform', 'platform-agent', 'claude-code', ?)""",
        tenant.identities.new_uuid(),
        name,
        timestamp(tenant.clock.now()),
    )


def apply_provision_config(tenant: Tenant, row: Row, files: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Prepare one provision of the concierge; return its config files and what its environment gets besides.

    In this order: a model, a provider for it, the management plugin, the name in the system prompt. What cannot be
    declared is only logged; the boot goes on without the management server.
    """
    workspace_id = row["id"]
    environment = _choose_model(tenant, workspace_id)
    if _secret(tenant, workspace_id, "MODEL").startswith("moonshot/"):
        _seed_secret(tenant, workspace_id, "LLM_PROVIDER", "platform")
    if not _declare_management_plugin(tenant, workspace_id):
        tenant.log(
            f'Provisioner: concierge {workspace_id} could not declare "{tenant.contract.plugin_declared_name}" plugin '
            "(recorded=0 skipped=1) — management MCP may be absent until next provision"
        )
    prepared = files | {"system-prompt.md": SYSTEM_PROMPT.replace(NAME_PLACEHOLDER, row["name"])}
    tenant.log(
        f"Provisioner: applied platform-agent env + {NAME_PLACEHOLDER} substitution for {workspace_id} "
        f'(name="{row["name"]}", {len(prepared)} config file(s))'
    )
    return prepared, environment


def read_install(tenant: Tenant, call: Call) -> tuple[str, str]:
    """Check POST /admin/org/platform-agent and return id and name.

    Raises:
        RefusedError: 401 without the admin token, 400 for a body that is not ``{"id", "name"}``.
    """
    admin_guard(tenant, call)
    document = call.json_object() or {}
    workspace_id, name = document.get("id"), document.get("name")
    if not isinstance(workspace_id, str) or not workspace_id or not isinstance(name, str) or not name:
        raise RefusedError(400, "invalid request body")
    return workspace_id, name


def installed(workspace_id: str) -> Answer:
    """Return the answer to an install that went well."""
    return Answer(200, {"status": "installed", "platform_agent_id": workspace_id, "kind": "platform"})


def _declare_management_plugin(tenant: Tenant, workspace_id: str) -> bool:
    if tenant.faults.acts("mcp-not-delivered", "concierge provision hook"):
        return False
    contract = tenant.contract
    name = contract.plugin_declared_name
    try:
        source = disturbed_source(tenant.faults, contract.plugin_source)
        declare_plugin(tenant, workspace_id, name, source)
        if tenant.faults.acts("stale-plugin-record", "concierge provision hook"):
            record_install(tenant, workspace_id, name, source)
    except (NotEntitledError, sqlite3.Error):
        return False
    return True


def _choose_model(tenant: Tenant, workspace_id: str) -> dict[str, str]:
    """Seed the model as a secret, from where every container gets it."""
    if tenant.faults.acts("model-secret-missing", "concierge provision hook"):
        # The container gets a model all the same: it boots, and the gate finds no secret.
        return {"MODEL": CONCIERGE_MODEL, "MOLECULE_MODEL": CONCIERGE_MODEL, "LLM_PROVIDER": "platform"}
    _seed_secret(tenant, workspace_id, "MODEL", CONCIERGE_MODEL)
    return {}


def _seed_secret(tenant: Tenant, workspace_id: str, key: str, value: str) -> None:
    tenant.database.execute(
        "INSERT OR IGNORE INTO workspace_secrets (workspace_id, key, value) VALUES (?, ?, ?)", workspace_id, key, value
    )


def _secret(tenant: Tenant, workspace_id: str, key: str) -> str:
    row = tenant.database.row(
        "SELECT value FROM workspace_secrets WHERE workspace_id = ? AND key = ?", workspace_id, key
    )
    return str(row["value"]) if row is not None else ""
