"""Workspaces that a run causes to exist: remembered before they are asked for, judged by the tenant API."""

from dataclasses import dataclass

from e2e.clients.errors import PlatformError, Refused
from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.run.context import Run
from e2e.run.plan import ROW_SETTLES
from e2e.run.waiting import Deadline, Observed

ABSENT_LOOKS = 5
"""How many looks at the list must miss a row, after a final answer, before the row counts as never made."""
ABSENT_FLOOR = 2.0
"""Least wall seconds for which a row must be missing after a final answer."""


@dataclass(slots=True)
class CreatedRow:
    """A workspace of ours: its name, who was to create it, its ledger entry, and its id once it was seen."""

    name: str
    by: str
    entry: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row is not the one that was asked for, and the cause this stands for."""

    text: str
    cause: str


def remember(run: Run, rows: list[CreatedRow], name: str, by: str) -> CreatedRow:
    """Write the intent to create a workspace down, synced, before anybody is asked to create it."""
    created = CreatedRow(name, by, run.ledger.intent("workspace", name, by=by, slug=run.slug))
    rows.append(created)
    return created


def require_absent(run: Run, tenant: Tenant, name: str, *, deadline: Deadline) -> None:
    """Make sure that no workspace has this name before anybody is asked to create it; hiccups are waited out.

    Raises:
        GivenUp: there is one.
        WaitExpired: the tenant gave no answer until the deadline.
        Refused: the tenant does not accept its token.
    """

    def look() -> Observed[bool]:
        try:
            found = tenant.named(name)
        except Refused:
            raise
        except PlatformError as error:
            return Observed(str(error), cause=error.cause)
        if found:
            return Observed("there", gave_up=f"a workspace with our unique name {name} was there before")
        return Observed("absent", value=True)

    run.poll(f"absence of {name}", look, deadline)


def wait_for_row(
    run: Run, tenant: Tenant, name: str, by: str, rows: list[CreatedRow], *, final: bool, deadline: Deadline
) -> WorkspaceRow:
    """Wait until the tenant API lists exactly one workspace of this name.

    ``final`` says that whoever creates it has answered for good; then a row that stays away is given up after
    :data:`ROW_SETTLES`, without waiting for the cap.

    Raises:
        GivenUp: the row stayed away, or there are two.
        WaitExpired: the deadline passed.
    """
    patience = max(run.time.wall(ROW_SETTLES), ABSENT_FLOOR)
    began = run.pacing.monotonic()
    missed = 0

    def look() -> Observed[WorkspaceRow]:
        nonlocal missed
        try:
            found = tenant.named(name)
        except Refused:
            raise
        except PlatformError as error:
            return Observed(str(error), cause=error.cause)
        if len(found) > 1:
            return Observed("two rows", gave_up=f"{len(found)} workspaces are called {name}")
        if found:
            return Observed("there", value=found[0])
        missed += 1
        if final and missed >= ABSENT_LOOKS and run.pacing.monotonic() - began >= patience:
            run.journal.write("row_absent", {"by": by, "name": name, "looks": missed})
            return Observed(
                "no row", gave_up=f"no workspace {name}: the answer was final and {missed} looks found none"
            )
        return Observed("no row yet")

    row = run.poll(f"row of the {by}", look, deadline)
    for created in rows:
        if created.name == name and created.id is None:
            created.id = row.id
            run.ledger.created(created.entry, row.id)
    return row


def row_problem(row: WorkspaceRow, concierge: WorkspaceRow) -> RowProblem | None:
    """Say what is wrong with a created row, if anything."""
    if row.kind != "workspace":
        return RowProblem(f"{row.name} has kind {row.kind!r}, not 'workspace'", "created-wrong-kind")
    if row.parent_id != concierge.id:
        return RowProblem(
            f"{row.name} is parented under {row.parent_id}, not the concierge", "created-under-wrong-parent"
        )
    if row.status == "failed":
        return RowProblem(f"{row.name} is failed", "created-workspace-failed")
    return None
