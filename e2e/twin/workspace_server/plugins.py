"""Which plugins a workspace should have, which are recorded as installed, and the reconcile of the two.

(docs/platform.md, plugin delivery)
"""

from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.delivery import PushError, StageError, is_on_box, push_plugin, stage_plugin
from e2e.twin.workspace_server.guards import workspace_guard
from e2e.twin.workspace_server.restart import restart_in_background
from e2e.twin.workspace_server.tenant import Tenant

DENIAL_COOLDOWN_SECONDS = 300.0
"""Platform seconds between two reconciles that denials of one workspace start."""


class NotEntitledError(Exception):
    """The privileged management plugin is only for the organisation's root."""


def declared_plugins(tenant: Tenant, workspace_id: str) -> dict[str, str]:
    """Return name -> source of what the workspace should have."""
    rows = tenant.database.rows(
        "SELECT name, source FROM workspace_declared_plugins WHERE workspace_id = ? ORDER BY rowid", workspace_id
    )
    return {row["name"]: row["source"] for row in rows}


def recorded_plugins(tenant: Tenant, workspace_id: str) -> dict[str, str]:
    """Return name -> source of what is on record as installed."""
    rows = tenant.database.rows(
        "SELECT name, source FROM workspace_plugins WHERE workspace_id = ? ORDER BY rowid", workspace_id
    )
    return {row["name"]: row["source"] for row in rows}


def declare_plugin(tenant: Tenant, workspace_id: str, name: str, source: str) -> None:
    """Write down that the workspace should have the plugin.

    Raises:
        NotEntitledError: the management plugin on anything but the platform root.
    """
    _check_entitlement(tenant, workspace_id, name)
    tenant.database.execute(
        "INSERT OR REPLACE INTO workspace_declared_plugins (workspace_id, name, source) VALUES (?, ?, ?)",
        workspace_id,
        name,
        source,
    )


def record_install(tenant: Tenant, workspace_id: str, name: str, source: str) -> None:
    """Write down that the workspace has the plugin. Raises as :func:`declare_plugin`."""
    _check_entitlement(tenant, workspace_id, name)
    tenant.database.execute(
        "INSERT OR REPLACE INTO workspace_plugins (workspace_id, name, source, installed_at) VALUES (?, ?, ?, ?)",
        workspace_id,
        name,
        source,
        timestamp(tenant.clock.now()),
    )


def reconcile_in_background(tenant: Tenant, workspace_id: str) -> None:
    """Start the post-online reconcile and forget it."""
    tenant.background.start(f"reconcile-{workspace_id[:8]}", lambda: reconcile(tenant, workspace_id))


def reconcile(tenant: Tenant, workspace_id: str) -> None:
    """Bring what is declared and what is recorded together.

    What lies on the box already (installed at boot) is only recorded. What does not is pushed onto it, and one restart
    lets it take effect. A plugin that is on record is believed to be there, in versions that do not verify.
    """
    row = tenant.workspace(workspace_id)
    if row is None:
        return
    declared = declared_plugins(tenant, workspace_id)
    recorded = recorded_plugins(tenant, workspace_id)
    installed = skipped = 0
    restart = False
    for name, source in declared.items():
        on_box = is_on_box(tenant, row["instance_id"], name)
        if name in recorded and (on_box or not tenant.gate.verifies_online):
            skipped += 1
        elif on_box:
            record_install(tenant, workspace_id, name, source)
            installed += 1
            tenant.log(
                f"Plugin reconcile: workspace={workspace_id} plugin={name} already on box (boot-installed) — "
                "recording tracking row only, no re-deliver/restart"
            )
        elif _deliver(tenant, row, name, source):
            installed += 1
            restart = True
    if declared:
        tenant.log(
            f"Plugin reconcile: workspace={workspace_id} complete — installed={installed} "
            f"skipped(already-present)={skipped} declared={len(declared)}"
        )
    if restart:
        restart_in_background(tenant, workspace_id)


def reconcile_after_denial(tenant: Tenant, workspace_id: str) -> None:
    """Start the reconcile although the gate refused, since what is missing may be what it delivers (core #33)."""
    if tenant.denials.passes(workspace_id, tenant.monotonic(), tenant.clock.wall(DENIAL_COOLDOWN_SECONDS)):
        reconcile_in_background(tenant, workspace_id)


def _deliver(tenant: Tenant, row: Row, name: str, source: str) -> bool:
    prefix = f"Plugin reconcile: workspace={row['id']}"
    try:
        archive = stage_plugin(tenant, source)
    except StageError as error:
        tenant.log(f"{prefix} plugin={name} stage failed (source={source}): {error}")
        return False
    try:
        fingerprint = push_plugin(tenant, row["instance_id"], name, archive)
        record_install(tenant, row["id"], name, source)
    except (PushError, NotEntitledError) as error:
        tenant.log(f"{prefix} plugin={name} deliver failed: {error}")
        return False
    tenant.log(f"{prefix} installed declared plugin {name} from {source} (sha={fingerprint})")
    return True


def list_plugins(tenant: Tenant, call: Call) -> Answer:
    """Answer GET /workspaces/:id/plugins with what is recorded."""
    workspace_id = _workspace_of(tenant, call)
    recorded = recorded_plugins(tenant, workspace_id)
    return Answer(200, [{"name": name, "source": source} for name, source in recorded.items()])


def install_plugin(tenant: Tenant, call: Call) -> Answer:
    """Answer POST /workspaces/:id/plugins: the plugin is declared and gets there with the next provision."""
    workspace_id = _workspace_of(tenant, call)
    document = call.json_object()
    source = document.get("source") if document is not None else None
    if not isinstance(source, str) or not source:
        raise RefusedError(400, "invalid request body")
    name = source.partition("#")[0].rstrip("/").rpartition("/")[2]
    try:
        declare_plugin(tenant, workspace_id, name, source)
        record_install(tenant, workspace_id, name, source)
    except NotEntitledError as error:
        raise RefusedError(403, str(error)) from error
    return Answer(200, {"status": "installed", "plugin": name, "source": source})


def _workspace_of(tenant: Tenant, call: Call) -> str:
    workspace_id = call.parameters["workspace_id"]
    workspace_guard(tenant, call, workspace_id)
    if tenant.workspace(workspace_id) is None:
        raise RefusedError(404, "workspace not found")
    return workspace_id


def _check_entitlement(tenant: Tenant, workspace_id: str, name: str) -> None:
    row = tenant.workspace(workspace_id)
    if name != tenant.contract.plugin_declared_name or (row is not None and row["kind"] == "platform"):
        return
    if not any(tenant.faults.acts(gap, "entitlement check") for gap in _GAPS):
        raise NotEntitledError(f"plugin {name} may only be installed on the platform root")


_GAPS = ("privileged-plugin-on-ordinary-workspace", "entitlement-bypass")
"""Faults under which the entitlement is not checked."""
