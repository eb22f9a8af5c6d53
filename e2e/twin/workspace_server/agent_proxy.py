"""POST /workspaces/:id/a2a: a chat turn, handed to the agent where it registered (docs/platform.md, A2A)."""

import threading
from dataclasses import dataclass, field

from e2e.twin.database import Row, timestamp
from e2e.twin.outbound import Reply, UnreachableError, request
from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.guards import caller_guard
from e2e.twin.workspace_server.tenant import Tenant
from e2e.twin.workspace_server.workspaces import find

SYNC_BUDGET_SECONDS = 90.0
"""Platform seconds that a turn from the canvas may take before it is answered with ``queued``."""

TURN_SECONDS = 420.0
"""Platform seconds after which the agent is given up."""


@dataclass(slots=True)
class _Turn:
    """One request on its way to the agent."""

    over: threading.Event = field(default_factory=threading.Event)
    reply: Reply | None = None


def send_message(tenant: Tenant, call: Call) -> Answer:
    """Answer POST /workspaces/:id/a2a, as synchronously as the budget allows."""
    row = find(tenant, call.parameters["workspace_id"])
    caller_guard(tenant, call)
    method = _check_body(call)
    if row["status"] == "removed":
        raise RefusedError(404, "workspace not found")
    if row["delivery_mode"] == "poll":
        return Answer(200, {"status": "queued", "delivery_mode": "poll", "method": method})
    if not row["url"]:
        raise RefusedError(503, "workspace has no URL", status=row["status"])
    turn = _Turn()
    tenant.background.start(f"a2a-{row['id'][:8]}", lambda: _forward(tenant, row, call.body, turn))
    from_agent = "x-workspace-id" in call.headers
    patience = tenant.clock.real(TURN_SECONDS if from_agent else SYNC_BUDGET_SECONDS)
    if not turn.over.wait(patience):
        return Answer(200, {"status": "queued", "delivery_mode": "push-async", "method": method})
    if turn.reply is None:
        raise RefusedError(502, "failed to reach workspace agent")
    if not turn.reply.body:
        raise RefusedError(502, "agent returned empty response body")
    content_type = turn.reply.headers.get("content-type", "application/json")
    return Answer(turn.reply.status, body=turn.reply.body, headers={"content-type": content_type})


def queue_item(tenant: Tenant, call: Call) -> Answer:
    """Answer GET /workspaces/:id/a2a/queue/:qid. Nothing is ever queued with an id here, so none is known."""
    find(tenant, call.parameters["workspace_id"])
    raise RefusedError(404, "queue item not found", retryable=True)


def _check_body(call: Call) -> str:
    document = call.json_object()
    if document is None:
        raise RefusedError(400, "invalid JSON")
    method, parameters = document.get("method"), document.get("params")
    message = parameters.get("message") if isinstance(parameters, dict) else None
    if not isinstance(method, str) or not method or not isinstance(message, dict):
        raise RefusedError(400, "invalid A2A body")
    if "parts" not in message and "content" not in message:
        raise RefusedError(400, "params.message must contain either 'parts' (v0.3) or 'content' (v0.2 compat)")
    return method


def _forward(tenant: Tenant, row: Row, body: bytes, turn: _Turn) -> None:
    try:
        turn.reply = request(
            "POST",
            row["url"],
            timeout=tenant.clock.real(TURN_SECONDS),
            headers={"Content-Type": "application/json"},
            body=body,
        )
        if turn.reply.status == 200:
            tenant.database.execute(
                "UPDATE workspaces SET last_outbound_at = ? WHERE id = ?", timestamp(tenant.clock.now()), row["id"]
            )
    except UnreachableError as error:
        tenant.log(f"ProxyA2A: workspace={row['id']} forward failed: {error}")
    finally:
        turn.over.set()
