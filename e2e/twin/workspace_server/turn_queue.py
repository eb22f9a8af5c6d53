"""Chat turns that wait for a busy agent, and can be asked for by an id (docs/platform.md, A2A)."""

from e2e.twin.database import Row, timestamp
from e2e.twin.outbound import Reply, UnreachableError, request
from e2e.twin.wire import Answer, Call, Document, RefusedError
from e2e.twin.workspace_server.tenant import Tenant
from e2e.twin.workspace_server.workspaces import find

QUEUE_INTERVAL = 10.0
"""Platform seconds after which a queued turn is tried."""

TURN_SECONDS = 420.0
"""Platform seconds after which the agent is given up."""


def hand_over(tenant: Tenant, row: Row, body: bytes) -> Reply:
    """Give a turn to the agent where it registered and return its answer.

    Raises:
        UnreachableError: there was none.
    """
    reply = request(
        "POST",
        row["url"],
        timeout=tenant.clock.real(TURN_SECONDS),
        headers={"Content-Type": "application/json"},
        body=body,
    )
    if reply.status == 200:
        tenant.database.execute(
            "UPDATE workspaces SET last_outbound_at = ? WHERE id = ?", timestamp(tenant.clock.now()), row["id"]
        )
    return reply


def enqueue(tenant: Tenant, row: Row, body: bytes) -> Document:
    """Keep the turn for later and return what the caller is told."""
    queue_id = tenant.identities.new_uuid()
    tenant.database.execute(
        "INSERT INTO a2a_queue (queue_id, workspace_id, status, body) VALUES (?, ?, 'queued', ?)",
        queue_id,
        row["id"],
        body,
    )
    waiting = tenant.database.rows("SELECT 1 FROM a2a_queue WHERE workspace_id = ? AND status = 'queued'", row["id"])
    tenant.background.start(f"queue-{queue_id[:8]}", lambda: _dispatch_later(tenant, queue_id, body))
    return {
        "queued": True,
        "queue_id": queue_id,
        "queue_depth": len(waiting),
        "message": "workspace agent is busy; the message is queued",
    }


def queue_item(tenant: Tenant, call: Call) -> Answer:
    """Answer GET /workspaces/:id/a2a/queue/:qid."""
    workspace = find(tenant, call.parameters["workspace_id"])
    item = tenant.database.row(
        "SELECT * FROM a2a_queue WHERE queue_id = ? AND workspace_id = ?", call.parameters["queue_id"], workspace["id"]
    )
    if item is None:
        raise RefusedError(404, "queue item not found", retryable=True)
    shown = ("queue_id", "workspace_id", "status", "attempts", "last_error", "response_body")
    return Answer(200, {"priority": 0, **{name: item[name] for name in shown}})


def _dispatch_later(tenant: Tenant, queue_id: str, body: bytes) -> None:
    if tenant.background.stopping.wait(tenant.clock.wall(QUEUE_INTERVAL)):
        return
    row = tenant.database.row(
        "SELECT workspaces.* FROM workspaces JOIN a2a_queue ON workspace_id = id WHERE queue_id = ?", queue_id
    )
    if row is None or row["status"] == "removed":
        _settle(tenant, queue_id, "dropped", last_error="workspace removed")
        return
    tenant.database.execute(
        "UPDATE a2a_queue SET status = 'in_progress', attempts = attempts + 1 WHERE queue_id = ?", queue_id
    )
    try:
        reply = hand_over(tenant, row, body)
    except UnreachableError as error:
        _settle(tenant, queue_id, "failed", last_error=str(error))
        return
    _settle(tenant, queue_id, "completed", response_body=reply.body.decode("utf-8", "replace"))


def _settle(
    tenant: Tenant, queue_id: str, status: str, *, last_error: str = "", response_body: str | None = None
) -> None:
    tenant.database.execute(
        "UPDATE a2a_queue SET status = ?, last_error = ?, response_body = ? WHERE queue_id = ?",
        status,
        last_error,
        response_body,
        queue_id,
    )
