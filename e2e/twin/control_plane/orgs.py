"""Organisations: create, list, look at (docs/platform.md, control plane API)."""

import re
import sqlite3

from e2e.twin.control_plane.estate import Estate
from e2e.twin.control_plane.provisioning import provision_org
from e2e.twin.control_plane.purge import hides_the_end
from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, Document, RefusedError

SLUG = re.compile(r"[a-z][a-z0-9-]{2,31}")
"""3 to 32 characters; what is longer gets a 400."""

ORDER_FIELDS = ("slug", "name", "owner_user_id")
OPTIONAL_FIELDS = frozenset({"provider"})
DEFAULT_LIMIT = 100


def create_org(estate: Estate, call: Call) -> Answer:
    """Answer POST /cp/admin/orgs: strict body, 201 with the row, and a provision that goes on behind it."""
    order = _read_order(call)
    if call.query.get("dry_run") == "true":
        return Answer(200, {"dry_run": True} | order)
    org_id = estate.identities.new_uuid()
    try:
        estate.database.execute(
            "INSERT INTO orgs (id, slug, name, owner_user_id, created_at, admin_token) VALUES (?, ?, ?, ?, ?, ?)",
            org_id,
            order["slug"],
            order["name"],
            order["owner_user_id"],
            timestamp(estate.clock.now()),
            estate.identities.new_token("mol_adm"),
        )
    except sqlite3.IntegrityError as error:
        raise RefusedError(409, f"slug {order['slug']!r} is taken") from error
    row = estate.org_or_404(order["slug"])
    provision_org(estate, org_id)
    return Answer(201, _shown(row) | {"owner_user_id": row["owner_user_id"], "status": "active"})


def list_orgs(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/admin/orgs, newest first."""
    try:
        limit = int(call.query.get("limit", DEFAULT_LIMIT))
    except ValueError as error:
        raise RefusedError(400, "limit must be a number") from error
    rows = estate.database.rows("SELECT * FROM orgs ORDER BY number DESC LIMIT ?", max(0, limit))
    return Answer(200, {"orgs": [_shown(row) for row in rows]})


def get_admin_token(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/admin/orgs/:slug/admin-token; 404 until the tenant is ready."""
    row = estate.org_or_404(call.parameters["slug"])
    if row["instance_status"] != "running":
        raise RefusedError(404, "admin token not yet provisioned")
    token = row["admin_token"]
    if estate.switch.acts("tenant-unauthorized", row["slug"]):
        token = estate.identities.new_token("mol_adm")
    return Answer(200, {"slug": row["slug"], "admin_token": token})


def get_tenant(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/admin/tenants/:slug: which machine is the tenant's."""
    row = estate.org_or_404(call.parameters["slug"])
    if not row["instance_id"]:
        raise RefusedError(404, "tenant has no instance yet")
    machine = estate.machines.view(row["instance_id"])
    return Answer(
        200,
        {
            "slug": row["slug"],
            "org_id": row["id"],
            "instance_id": row["instance_id"],
            "instance_state": machine.state,
            "private_ip": machine.private_address,
        },
    )


def get_boot_events(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/admin/tenants/:slug/boot-events; its 404 has exactly two keys."""
    if hides_the_end(estate, "events"):
        return Answer(503)
    row = estate.org_or_404(call.parameters["slug"])
    events = estate.database.rows("SELECT * FROM boot_events WHERE org_id = ? ORDER BY number", row["id"])
    shown = [{"stage": event["stage"], "message": event["message"], "created_at": event["at"]} for event in events]
    return Answer(200, {"slug": row["slug"], "org_id": row["id"], "events": shown})


def get_diagnostics(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/admin/tenants/:slug/diagnostics."""
    row = estate.org_or_404(call.parameters["slug"])
    hosts = estate.database.rows("SELECT * FROM workspace_instances WHERE org_id = ? ORDER BY rowid", row["id"])
    return Answer(
        200,
        {
            "slug": row["slug"],
            "org_id": row["id"],
            "instance_status": row["instance_status"] or "",
            "last_error": row["last_error"],
            "tenant": _machine(estate, row["instance_id"]),
            "workspaces": [
                {"workspace_id": host["workspace_id"]} | _machine(estate, host["instance_id"]) for host in hosts
            ],
        },
    )


def _read_order(call: Call) -> Document:
    document = call.json_object()
    if document is None:
        raise RefusedError(400, "the body must be a JSON object")
    unknown = sorted(set(document) - set(ORDER_FIELDS) - OPTIONAL_FIELDS)
    if unknown:
        raise RefusedError(400, f"unknown field {unknown[0]!r}", fields=unknown)
    missing = [name for name in ORDER_FIELDS if not isinstance(document.get(name), str) or not document[name]]
    if missing:
        raise RefusedError(400, "slug, name, owner_user_id are required", fields=missing)
    if not SLUG.fullmatch(document["slug"]):
        raise RefusedError(400, f"invalid slug: must match ^{SLUG.pattern}$", fields=["slug"])
    return {name: document[name] for name in ORDER_FIELDS}


def _shown(row: Row) -> Document:
    shown: Document = {
        "id": row["id"],
        "slug": row["slug"],
        "name": row["name"],
        "plan": row["plan"],
        "member_count": 1,
        "created_at": row["created_at"],
    }
    if row["instance_status"] is not None:
        shown["instance_status"] = row["instance_status"]
    if row["last_error"]:
        shown["last_error"] = row["last_error"]
    return shown


def _machine(estate: Estate, instance_id: str) -> Document:
    return {"instance_id": instance_id, "state": estate.machines.view(instance_id).state if instance_id else ""}
