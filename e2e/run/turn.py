"""The agent's own turn: one chat message, and the row that must come of it."""

import uuid

from e2e.clients.agent import TurnAnswer, chat, queued_turn
from e2e.clients.errors import PlatformError, Refused, Unavailable
from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.run.context import Run
from e2e.run.naming import worker_name
from e2e.run.plan import TURN_REQUEST
from e2e.run.rows import CreatedRow, remember, require_absent, row_problem, wait_for_row
from e2e.run.stages import Established
from e2e.run.waiting import Deadline, GivenUp, Observed, WaitExpired


def agent_acted(
    run: Run, tenant: Tenant, concierge: WorkspaceRow, rows: list[CreatedRow], deadline: Deadline
) -> Established:
    """Ask the concierge for one workspace and wait for the row; the message goes out once it may be accepted.

    A request that may have acted is never sent again: from then on only the row decides.
    """
    name = worker_name("agent")
    call = run.contract.create_workspace
    require_absent(run, tenant, name, deadline=deadline)
    text = (
        f'Please create a workspace named "{name}" with the model "{call.model}". '
        "Use your workspace tool, create exactly one, and answer with its id."
    )
    remember(run, rows, name, "agent")
    answer = _accepted(run, tenant, concierge, text, deadline)
    if answer.kind == "queued" and answer.queue_id is not None:
        answer = _followed(run, tenant, concierge, answer, name, deadline)
    reference = run.journal.write(
        "turn",
        {
            "name": name,
            "kind": answer.kind,
            "http_status": answer.status,
            "text": answer.text[:600],
            "error_as_text": answer.looks_like_an_error,
        },
    )
    run.journal.say(f"agent_acted: the turn ended as {answer.kind}: {_first_line(answer.text)}")
    final = answer.kind in ("reply", "failed")
    row = wait_for_row(run, tenant, name, "agent", rows, final=final, deadline=deadline)
    problem = row_problem(row, concierge)
    if problem is not None:
        raise GivenUp("agent_acted", problem.text, problem.cause)
    seen = run.journal.write("row", {"by": "agent", "name": name, "id": row.id, "status": row.status})
    return Established(f"the concierge created {name} in its own turn", (reference, seen))


def _accepted(run: Run, tenant: Tenant, concierge: WorkspaceRow, text: str, deadline: Deadline) -> TurnAnswer:
    message_id = str(uuid.uuid4())
    timeout = min(run.time.real(TURN_REQUEST, "request"), max(deadline.remaining(run.pacing), 1.0))

    def send() -> Observed[TurnAnswer]:
        try:
            answer = chat(tenant.exchange, concierge.id, text, message_id, timeout=timeout)
        except Unavailable as error:
            return Observed("lost", value=TurnAnswer("lost", error.status, str(error)))
        if answer.kind == "not_accepted":
            return Observed(f"not accepted yet: {answer.text}")
        return Observed(answer.kind, value=answer)

    return run.poll("agent_acted", send, deadline)


def _followed(
    run: Run, tenant: Tenant, concierge: WorkspaceRow, queued: TurnAnswer, name: str, deadline: Deadline
) -> TurnAnswer:
    """Follow a turn in the tenant's queue until it is over or its row is there; nothing is sent again."""
    queue_id = queued.queue_id or ""

    def look() -> Observed[TurnAnswer]:
        try:
            if tenant.named(name):
                return Observed("the row is there", value=queued)
            answer = queued_turn(tenant.exchange, concierge.id, queue_id)
        except Refused:
            raise
        except PlatformError as error:
            return Observed(str(error), cause=error.cause)
        return Observed(answer.text, value=answer if answer.kind != "queued" else None)

    try:
        return run.poll("agent_acted: queue", look, deadline)
    except WaitExpired:
        return queued


def _first_line(text: str) -> str:
    stripped = text.strip()
    return stripped.splitlines()[0][:160] if stripped else "no text"
