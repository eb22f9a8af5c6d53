"""DELETE of an organisation: a synchronous purge with a receipt (docs/platform.md, teardown)."""

from e2e.twin.control_plane.estate import Estate
from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, RefusedError

PURGE_SECONDS = 5.0
"""Platform seconds that a purge takes besides ending the machines."""

DEFAULT_LIMIT = 100


def purge_org(estate: Estate, call: Call) -> Answer:
    """Answer DELETE /cp/admin/tenants/:slug. Repeated after the end it answers the same receipt."""
    slug = call.parameters["slug"]
    document = call.json_object() or {}
    if document.get("confirm") != slug:
        raise RefusedError(400, "confirm must be the slug of the organisation")
    row = estate.org(slug)
    if row is not None and estate.switch.acts("leaked-org", f"DELETE {slug}"):
        _terminate(estate, row)
        return _receipt(slug, row["id"], estate.identities.new_uuid())
    purge(estate, slug)
    receipt = estate.database.row("SELECT * FROM org_purges WHERE slug = ? ORDER BY number DESC", slug)
    if receipt is None:
        raise RefusedError(404, "org not found", slug=slug)
    return _receipt(slug, receipt["org_id"], receipt["id"])


def purge(estate: Estate, slug: str) -> None:
    """Purge an organisation; one that is not there is purged already.

    Raises:
        RefusedError: 409, another purge is in flight.
    """
    with estate.launching:
        row = estate.org(slug)
        if row is not None and row["purging"]:
            raise RefusedError(409, "a lifecycle operation is in flight")
        if row is not None:
            estate.database.execute("UPDATE orgs SET purging = 1 WHERE id = ?", row["id"])
    if row is None:
        return
    try:
        _purge(estate, row)
    except BaseException:
        # What is left of the organisation stays on record, so that the call can be repeated.
        estate.database.execute("UPDATE orgs SET purging = 0 WHERE id = ?", row["id"])
        raise


def hides_the_end(estate: Estate, what: str) -> bool:
    """Say whether nobody can be asked about ``what`` (``events``, ``purges``), now that something was purged."""
    fault = estate.switch.current("absence-unprovable")
    if fault is None or not fault.parameters[what]:
        return False
    purged = estate.database.row("SELECT 1 FROM org_purges") is not None
    return purged and estate.switch.acts(fault.name, what)


def list_purges(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/admin/purges, newest first."""
    try:
        limit = int(call.query.get("limit", DEFAULT_LIMIT))
    except ValueError as error:
        raise RefusedError(400, "limit must be a number") from error
    if hides_the_end(estate, "purges"):
        return Answer(503)
    rows = estate.database.rows("SELECT * FROM org_purges ORDER BY number DESC LIMIT ?", max(0, limit))
    fields = ("id", "org_id", "slug", "last_step", "completed_at")
    return Answer(200, {"purges": [{name: row[name] for name in fields} for row in rows]})


def _purge(estate: Estate, row: Row) -> None:
    # From here on nothing is launched for the organisation any more; what was launched is all on record.
    _terminate(estate, row)
    estate.background.stopping.wait(estate.clock.wall(PURGE_SECONDS))
    with estate.database.transaction():
        estate.database.execute("DELETE FROM workspace_instances WHERE org_id = ?", row["id"])
        estate.database.execute("DELETE FROM boot_events WHERE org_id = ?", row["id"])
        estate.database.execute("DELETE FROM orgs WHERE id = ?", row["id"])
        estate.database.execute(
            "INSERT INTO org_purges (id, org_id, slug, last_step, completed_at) VALUES (?, ?, ?, 'completed', ?)",
            estate.identities.new_uuid(),
            row["id"],
            row["slug"],
            timestamp(estate.clock.now()),
        )


def _terminate(estate: Estate, row: Row) -> None:
    """End the organisation's machines, the tenant's last."""
    fresh = estate.org_by_id(row["id"]) or row
    workspaces = estate.database.rows("SELECT instance_id FROM workspace_instances WHERE org_id = ?", row["id"])
    machines = [one for one in (*(host["instance_id"] for host in workspaces), fresh["instance_id"]) if one]
    if machines and estate.switch.acts("leaked-instance", machines[0]):
        machines = machines[1:]
    for instance_id in machines:
        estate.machines.terminate(instance_id)


def _receipt(slug: str, org_id: str, purge_id: str) -> Answer:
    return Answer(200, {"deleted": True, "slug": slug, "org_id": org_id, "purge_id": purge_id})
