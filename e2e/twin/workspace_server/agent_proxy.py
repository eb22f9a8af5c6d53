"""POST /workspaces/:id/a2a: a chat turn, handed to the agent where it registered (docs/platform.md, A2A)."""

import threading
from dataclasses import dataclass, field

from e2e.twin.database import Row
from e2e.twin.outbound import Reply, UnreachableError
from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.guards import caller_guard
from e2e.twin.workspace_server.restart import restart_in_background
from e2e.twin.workspace_server.tenant import Tenant
from e2e.twin.workspace_server.turn_queue import TURN_SECONDS, enqueue, hand_over
from e2e.twin.workspace_server.workspaces import find

SYNC_BUDGET_SECONDS = 90.0
"""Platform seconds that a turn from the canvas may take before it is answered with ``queued``."""

WARMING = "concierge is warming up (verifying management tools) — retry shortly"
ACCEPTED = 202


class BusyError(RefusedError):
    """503 with the pause that the caller should make."""

    def __init__(self) -> None:
        super().__init__(503, "workspace agent busy — retry after a short backoff")
        self.answer = Answer(503, self.answer.document, headers={"retry-after": "30"})


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
    if row["kind"] == "platform":
        _refuse_for_now(tenant, row)
    if row["delivery_mode"] == "poll":
        return Answer(200, {"status": "queued", "delivery_mode": "poll", "method": method})
    if not row["url"]:
        raise RefusedError(503, "workspace has no URL", status=row["status"])
    queued = tenant.faults.acting("agent-queued", "chat turn") if row["kind"] == "platform" else None
    if queued is not None and queued.parameters["status"] == ACCEPTED:
        return Answer(ACCEPTED, enqueue(tenant, row, call.body))
    turn = _Turn()
    tenant.background.start(f"a2a-{row['id'][:8]}", lambda: _forward(tenant, row, call.body, turn))
    from_agent = "x-workspace-id" in call.headers
    patience = tenant.clock.real(TURN_SECONDS if from_agent else SYNC_BUDGET_SECONDS)
    if queued is not None or not turn.over.wait(patience):
        return Answer(200, {"status": "queued", "delivery_mode": "push-async", "method": method})
    if turn.reply is None:
        raise RefusedError(502, "failed to reach workspace agent")
    if not turn.reply.body:
        raise RefusedError(502, "agent returned empty response body")
    content_type = turn.reply.headers.get("content-type", "application/json")
    return Answer(turn.reply.status, body=turn.reply.body, headers={"content-type": content_type})


def _refuse_for_now(tenant: Tenant, row: Row) -> None:
    """Turn a chat turn with the concierge away before it is dispatched, if there is a reason.

    Raises:
        RefusedError: 503 while the tools are not verified (versions that verify), or while a fault is on.
    """
    if tenant.gate.verifies_online and row["status"] == "provisioning":
        raise RefusedError(503, WARMING, warming=True, retry_after=5)
    if tenant.faults.acts("agent-busy", "chat turn"):
        raise BusyError
    if tenant.faults.acts("agent-restarting", "chat turn"):
        restart_in_background(tenant, row["id"])
        raise RefusedError(
            503, "workspace agent unreachable — container restart triggered", restarting=True, retry_after=15
        )


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
        turn.reply = hand_over(tenant, row, body)
    except UnreachableError as error:
        tenant.log(f"ProxyA2A: workspace={row['id']} forward failed: {error}")
    finally:
        turn.over.set()
