"""POST /workspaces: a row, a token, and a provision that goes on behind the answer (docs/platform.md, tenant API).

A 201 says that the row was accepted, not that the workspace works.
"""

import json
from dataclasses import dataclass
from typing import Any

from e2e.twin.database import timestamp
from e2e.twin.wire import Answer, Call, Document, RefusedError
from e2e.twin.workspace_server.guards import admin_guard, mint_token
from e2e.twin.workspace_server.plugins import declare_plugin
from e2e.twin.workspace_server.provision import provision_in_background
from e2e.twin.workspace_server.schema import ONE_ROOT_INDEX
from e2e.twin.workspace_server.tenant import Tenant

DEFAULT_RUNTIME = "claude-code"
RUNTIMES = frozenset({"claude-code", "external"})
"""Runtimes that this tenant can boot, and ``external``, which boots itself."""

SAAS_TIER = 4
NAME_ATTEMPTS = 20
ACCESS = frozenset({"none", "read_only", "read_write"})


@dataclass(frozen=True, slots=True)
class Order:
    """A create call, checked."""

    name: str
    role: str
    template: str
    model: str
    runtime: str
    external: bool
    url: str
    delivery_mode: str
    parent_id: str | None
    secrets: dict[str, str]
    compute: Document
    budget_limit: float | None
    max_concurrent_tasks: int
    workspace_dir: str
    workspace_access: str
    x: float
    y: float


def create_workspace(tenant: Tenant, call: Call) -> Answer:
    """Answer POST /workspaces."""
    admin_guard(tenant, call)
    order = read_order(call.json_object())
    if tenant.faults.acts("create-workspace-rejected", "POST /workspaces"):
        raise RefusedError(
            422,
            f"model {order.model!r} is not registered for runtime {order.runtime!r}",
            code="UNREGISTERED_MODEL_FOR_RUNTIME",
        )
    if tenant.faults.acts("create-workspace-no-row", "POST /workspaces"):
        return Answer(201, _receipt(tenant.identities.new_uuid(), order, tenant.identities.new_token("mol_ws")))
    workspace_id = tenant.identities.new_uuid()
    with tenant.database.transaction():
        parent = _parent(tenant, order)
        name = _free_name(tenant, order.name)
        _insert(tenant, workspace_id, name, parent, order)
        token = mint_token(tenant, workspace_id, "api")
        _misplace(tenant, workspace_id)
    tenant.record_event(workspace_id, "WORKSPACE_CREATED", name=name)
    if order.external:
        status = "online" if order.url else "awaiting_agent"
        connection = {"platform_url": tenant.configuration.public_url, "auth_token": token}
        return Answer(201, {"id": workspace_id, "external": True, "status": status, "connection": connection})
    provision_in_background(tenant, workspace_id)
    return Answer(201, _receipt(workspace_id, order, token))


def _misplace(tenant: Tenant, workspace_id: str) -> None:
    """Make of the fresh row what was not ordered, while a fault is on."""
    if tenant.faults.acts("created-under-wrong-parent", "POST /workspaces"):
        tenant.database.execute("UPDATE workspaces SET parent_id = NULL WHERE id = ?", workspace_id)
    if tenant.faults.acts("created-wrong-kind", "POST /workspaces"):
        tenant.database.execute(f"DROP INDEX IF EXISTS {ONE_ROOT_INDEX}")
        tenant.database.execute("UPDATE workspaces SET kind = 'platform', parent_id = NULL WHERE id = ?", workspace_id)
    if tenant.faults.is_on("privileged-plugin-on-ordinary-workspace"):
        contract = tenant.contract
        declare_plugin(tenant, workspace_id, contract.plugin_declared_name, contract.plugin_source)


def read_order(document: Document | None) -> Order:
    """Check the body of a create call.

    Raises:
        RefusedError: 400 for a body of the wrong shape, 422 with a ``code`` for what cannot be provisioned.
    """
    if document is None:
        raise RefusedError(400, "invalid workspace payload")
    text = {name: _text(document, name) for name in ("name", "role", "template", "model", "runtime", "url")}
    more = {name: _text(document, name) for name in ("delivery_mode", "parent_id", "workspace_dir", "workspace_access")}
    secrets, compute, canvas = (_object(document, name) for name in ("secrets", "compute", "canvas"))
    access = more["workspace_access"] or "none"
    if not text["name"] or access not in ACCESS or more["delivery_mode"] not in ("", "push", "poll"):
        raise RefusedError(400, "invalid workspace fields")
    external = document.get("external") is True or text["runtime"] == "external"
    runtime = "external" if external else text["runtime"] or DEFAULT_RUNTIME
    if runtime not in RUNTIMES:
        raise RefusedError(422, f"runtime {runtime!r} is not supported", code="RUNTIME_UNSUPPORTED")
    if not external and not text["model"]:
        raise RefusedError(422, "model is required: pass the id of a model the runtime knows", code="MODEL_REQUIRED")
    return Order(
        name=text["name"],
        role=text["role"],
        template=text["template"],
        model=text["model"],
        runtime=runtime,
        external=external,
        url=text["url"],
        delivery_mode=more["delivery_mode"],
        parent_id=more["parent_id"] or None,
        secrets={key: str(value) for key, value in secrets.items()},
        compute=compute,
        budget_limit=_number(document, "budget_limit"),
        max_concurrent_tasks=int(_number(document, "max_concurrent_tasks") or 1),
        workspace_dir=more["workspace_dir"],
        workspace_access=access,
        x=_number(canvas, "x") or 0.0,
        y=_number(canvas, "y") or 0.0,
    )


def _receipt(workspace_id: str, order: Order, token: str) -> Document:
    return {
        "id": workspace_id,
        "status": "provisioning",
        "workspace_access": order.workspace_access,
        "auth_token": token,
    }


def _parent(tenant: Tenant, order: Order) -> str | None:
    if order.parent_id is not None:
        row = tenant.workspace(order.parent_id)
        if row is None or row["status"] == "removed":
            raise RefusedError(
                400, "invalid workspace fields", detail="parent_id is not a workspace of this organisation"
            )
        return order.parent_id
    root = tenant.platform_root()
    if root is not None:
        return str(root["id"])
    roots = tenant.database.rows("SELECT id FROM workspaces WHERE parent_id IS NULL AND status <> 'removed'")
    return str(roots[0]["id"]) if len(roots) == 1 else None


def _free_name(tenant: Tenant, wanted: str) -> str:
    for number in range(1, NAME_ATTEMPTS + 1):
        name = wanted if number == 1 else f"{wanted} ({number})"
        if tenant.database.row("SELECT 1 FROM workspaces WHERE name = ? AND status <> 'removed'", name) is None:
            return name
    raise RefusedError(409, f"a workspace named {wanted!r} exists, and so do {NAME_ATTEMPTS - 1} numbered ones")


def _insert(tenant: Tenant, workspace_id: str, name: str, parent: str | None, order: Order) -> None:
    status = ("online" if order.url else "awaiting_agent") if order.external else "provisioning"
    tenant.database.execute(
        """INSERT INTO workspaces (id, name, tier, status, parent_id, role, template, runtime, url, delivery_mode,
               compute, budget_limit, max_concurrent_tasks, workspace_dir, workspace_access, x, y, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        workspace_id,
        name,
        SAAS_TIER,
        status,
        parent,
        order.role,
        order.template,
        order.runtime,
        order.url,
        order.delivery_mode,
        json.dumps(order.compute),
        order.budget_limit,
        order.max_concurrent_tasks,
        order.workspace_dir,
        order.workspace_access,
        order.x,
        order.y,
        timestamp(tenant.clock.now()),
    )
    for key, value in (order.secrets | ({"MODEL": order.model} if order.model else {})).items():
        tenant.database.execute(
            "INSERT INTO workspace_secrets (workspace_id, key, value) VALUES (?, ?, ?)", workspace_id, key, value
        )


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise RefusedError(400, "invalid workspace payload", field=name)
    return (value or "").strip()


def _object(document: Document, name: str) -> Document:
    value: Any = document.get(name)
    if value is not None and not isinstance(value, dict):
        raise RefusedError(400, "invalid workspace payload", field=name)
    return value or {}


def _number(document: Document, name: str) -> float | None:
    value = document.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise RefusedError(400, "invalid workspace payload", field=name)
    return value
