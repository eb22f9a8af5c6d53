"""The probe's half of the capability: the server lists the tool, and a call of it makes a row that stays."""

from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.run.context import Run
from e2e.run.looks import HostLooks, Launch
from e2e.run.plan import ROW_SETTLES
from e2e.run.rows import CreatedRow, row_problem, wait_for_row
from e2e.run.stages import Established, StageBook
from e2e.run.waiting import Deadline, GivenUp
from e2e.verdict.findings import LookSeen


def judge_creation(
    run: Run,
    book: StageBook,
    looks: HostLooks,
    tenant: Tenant,
    concierge: WorkspaceRow,
    rows: list[CreatedRow],
    launched: Launch | None,
) -> None:
    """Record ``tool_listed`` from the launch, and wait for the row that its call must have made."""
    if not book.established("hosts_reachable"):
        book.skip("tool_listed", "needs hosts_reachable")
        book.skip("workspace_created", "needs tool_listed")
        return
    look = next((look for look in reversed(looks.seen()) if look.launch is not None), None)
    _listed(run, book, look)
    if launched is None or look is None:
        book.skip("workspace_created", "needs tool_listed")
        return
    book.attempt(
        "workspace_created",
        lambda deadline: _created(run, tenant, concierge, rows, launched, look, deadline),
        cap=run.cap("workspace_created"),
        within=run.deadline,
    )


def _listed(run: Run, book: StageBook, look: LookSeen | None) -> None:
    if look is None or look.launch is None:
        book.record("tool_listed", "expired", "the management server was not launched")
        return
    launch, evidence = look.launch, (f"{look.evidence}#launch",)
    required = run.contract.create_workspace.required_tool
    if launch.get("tools") is None:
        saying = f"the management server gave no list: stopped at {launch.get('phase')} ({launch.get('trouble')})"
        book.record("tool_listed", "refuted", saying, evidence=evidence)
    elif not launch.get("required_listed"):
        others = ", ".join(launch.get("other_names") or []) or "none of its names"
        book.record("tool_listed", "refuted", f"the tool {required} is not listed; seen: {others}", evidence=evidence)
    elif not launch.get("takes_arguments"):
        book.record("tool_listed", "refuted", f"{required} does not take the contract's arguments", evidence=evidence)
    else:
        book.record("tool_listed", "established", f"{required} is listed and takes our arguments", evidence=evidence)


def _created(
    run: Run,
    tenant: Tenant,
    concierge: WorkspaceRow,
    rows: list[CreatedRow],
    launched: Launch,
    look: LookSeen,
    deadline: Deadline,
) -> Established:
    launch = look.launch or {}
    if not launch.get("call_answered"):
        raise GivenUp("workspace_created", f"the call was not answered ({launch.get('call_trouble')})")
    if launch.get("call_error") is not None:
        raise GivenUp("workspace_created", f"the call was answered with {launch['call_error']}")
    row = wait_for_row(run, tenant, launched.workspace_name, "probe", rows, final=True, deadline=deadline)
    run.journal.say(f"workspace_created: {row.name} is there, {row.status}; it must stay for {ROW_SETTLES:.0f} s")
    run.pacing.pause(run.time.wall(ROW_SETTLES))
    again = wait_for_row(run, tenant, launched.workspace_name, "probe", rows, final=True, deadline=deadline)
    if again.id != launch.get("workspace_id"):
        raise GivenUp("workspace_created", f"the row {again.id} is not the one the tool answered with")
    problem = row_problem(again, concierge)
    if problem is not None:
        raise GivenUp("workspace_created", problem.text, problem.cause)
    seen = run.journal.write("row", {"by": "probe", "name": again.name, "id": again.id, "status": again.status})
    return Established(
        f"the call made {again.name}, {again.status} after {ROW_SETTLES:.0f} s", (f"{look.evidence}#launch", seen)
    )
