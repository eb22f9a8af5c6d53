"""Takes away what a run created, children first, and proves that it is gone, with a budget of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from e2e.clients.errors import PlatformError
from e2e.clients.tenant import Tenant
from e2e.hosts.access import HostAccess
from e2e.hosts.errors import HostAccessError
from e2e.run.boot import BootResult
from e2e.run.context import Run
from e2e.run.journal import write_crash
from e2e.run.plan import LATE_LOOK, SAMPLE_EVERY
from e2e.run.rows import CreatedRow
from e2e.run.waiting import Deadline, GivenUp, Observed, Pacing, WaitExpired, poll_until

WORKSPACES_SHARE = 1 / 3
"""The share of the teardown's budget that waiting for single workspaces may take at most."""
PURGE_AGAIN = 60.0
"""Platform seconds for which a purge that is queued (202) or meets another operation (409) is asked for again."""
_END_STATES = ("online", "degraded", "failed", "offline", "awaiting_agent", "paused", "removed")


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that is still there, or whose absence could not be proven."""

    cause: str
    what: str
    command: str


@dataclass(frozen=True, slots=True)
class TeardownResult:
    """How the teardown ended; complete only with no leak at all."""

    leaks: tuple[Leak, ...]
    evidence: tuple[str, ...]
    saying: str

    @property
    def complete(self) -> bool:
        """Whether the absence of everything was proven."""
        return not self.leaks


class Teardown:
    """Tears down one run. ``pacing`` is not the run's: an interrupted run still finishes its teardown."""

    def __init__(self, run: Run, access: HostAccess | None, pacing: Pacing, deadline: Deadline) -> None:
        self._run = run
        self._access = access
        self._pacing = pacing
        self._deadline = deadline
        self._leaks: list[Leak] = []
        self._evidence: list[str] = []

    def tear_down(self, boot: BootResult, rows: list[CreatedRow]) -> TeardownResult:
        """Remove workspaces, then the organisation; then prove the absence. Every step runs, whatever failed before."""
        if boot.organisation_entry is None:
            reference = self._run.journal.write("teardown", {"step": "nothing", "ok": True})
            return TeardownResult((), (reference,), "nothing was created")
        self._run.journal.say("teardown: begins")
        if boot.tenant is not None:
            self._step("remove workspaces", partial(self._remove_workspaces, boot.tenant, rows))
        self._step("delete organisation", partial(self._delete_organisation, boot))
        purged_at = self._pacing.monotonic()
        self._step("organisation absent", partial(self._prove_organisation_gone, boot, rows), proves=True)
        self._step("instances absent", partial(self._prove_instances_gone, purged_at), proves=True)
        saying = "absence proven by control plane and EC2"
        if self._leaks:
            saying = "; ".join(f"{leak.cause}: {leak.what}" for leak in self._leaks)
        return TeardownResult(tuple(self._leaks), tuple(self._evidence), saying)

    def _step(self, name: str, step: Callable[[], None], *, proves: bool = False) -> None:
        """Take one step; whatever it raises is written down, and the next step is taken all the same."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the border: what is left undone here would be left behind
            write_crash(self._run.journal, error)
            self._note(name, ok=False, detail=f"{type(error).__name__}: {error}")
            if proves:
                self._leak(Leak("absence-unprovable", f"{name}: the check itself failed: {error}", self._sweep))

    @property
    def _sweep(self) -> str:
        return f"concierge-e2e sweep  # slug {self._run.slug}"

    def _poll(self, what: str, observe: Callable[[], Observed[str]], *, within: Deadline | None = None) -> str:
        return poll_until(
            what,
            observe,
            deadline=within or self._deadline,
            every=self._run.time.wall(SAMPLE_EVERY),
            pacing=self._pacing,
            say=self._run.journal.say,
        )

    def _note(self, step: str, *, ok: bool, detail: str) -> None:
        self._evidence.append(self._run.journal.write("teardown", {"step": step, "ok": ok, "detail": detail}))
        if not ok:
            self._run.journal.say(f"teardown: {step}: {detail}")

    def _remove_workspaces(self, tenant: Tenant, rows: list[CreatedRow]) -> None:
        """Remove the workspaces in a part of the budget: the purge of the org takes those that stay as well."""
        part = self._deadline.remaining(self._pacing) * WORKSPACES_SHARE
        deadline = Deadline.after(self._pacing, part, within=self._deadline)
        for created in rows:
            try:
                saying = self._remove_workspace(tenant, created, deadline)
            except (PlatformError, GivenUp, WaitExpired) as error:
                self._note(f"workspace {created.name}", ok=False, detail=str(error))
            else:
                self._note(f"workspace {created.name}", ok=True, detail=saying)

    def _remove_workspace(self, tenant: Tenant, created: CreatedRow, deadline: Deadline) -> str:
        def settled() -> Observed[str]:
            found = tenant.named(created.name)
            if not found:
                return Observed("none", value="no row")
            created.id = created.id or found[0].id
            status = found[0].status
            return Observed(status, value=status) if status in _END_STATES else Observed(f"{created.name}: {status}")

        status = self._poll("teardown", settled, within=deadline)
        if status == "no row":
            return "never had a row" if created.id is None else "gone already"
        for row in tenant.named(created.name):
            tenant.delete_workspace(row)
        return f"removed from {status}"

    def _delete_organisation(self, boot: BootResult) -> None:
        run = self._run
        again_until = self._pacing.monotonic() + run.time.wall(PURGE_AGAIN)

        def delete() -> Observed[str]:
            try:
                if boot.organisation is None and self._is_of_somebody_else():
                    return Observed("not ours", gave_up=f"an org {run.slug} is there that this run did not create")
                status = run.control_plane.delete_tenant(run.slug, timeout=run.time.real(120.0, "request"))
            except PlatformError as error:
                late = error.status == 409 and self._pacing.monotonic() >= again_until
                return Observed(str(error), gave_up=str(error) if late else None)
            if status == 202 and self._pacing.monotonic() < again_until:
                return Observed("HTTP 202: the purge is queued; it is asked for again")
            return Observed("accepted", value=f"HTTP {status}")

        try:
            saying = self._poll("teardown: delete the org", delete)
        except (GivenUp, WaitExpired) as error:
            self._note("delete organisation", ok=False, detail=str(error))
        else:
            self._note("delete organisation", ok=True, detail=saying)

    def _is_of_somebody_else(self) -> bool:
        """Whether the slug is taken by an org of another name: without the id of our own, the name must be ours."""
        row = self._run.control_plane.organisation(self._run.slug)
        return row is not None and row.name != self._run.organisation_name

    def _prove_organisation_gone(self, boot: BootResult, rows: list[CreatedRow]) -> None:
        run = self._run
        organisation_id = boot.organisation.id if boot.organisation else None

        def absent() -> Observed[str]:
            try:
                absence = run.control_plane.absence(run.slug, organisation_id)
            except PlatformError as error:
                return Observed(str(error))
            complete = absence.gone and (absence.receipt or organisation_id is None)
            return Observed(absence.saying, value=absence.saying) if complete else Observed(absence.saying)

        try:
            saying = self._poll("teardown: absence of the org", absent)
        except WaitExpired as error:
            seen = error.last_observation
            cause = "leaked-org" if seen.startswith("still listed") else "absence-unprovable"
            self._leak(Leak(cause, f"org {run.slug}: {seen}", self._sweep))
            if boot.organisation_entry is not None:
                run.ledger.unproven(boot.organisation_entry, seen)
            return
        self._note("organisation absent", ok=True, detail=saying)
        for created in rows:
            run.ledger.gone(created.entry, f"the org is gone: {saying}")
        if boot.organisation_entry is not None:
            run.ledger.gone(boot.organisation_entry, saying)

    def _prove_instances_gone(self, purged_at: float) -> None:
        access, run = self._access, self._run
        if access is None:
            return
        command = f"aws ec2 describe-instances --filters 'Name=tag:Name,Values=*{run.slug}*'"
        late_at = purged_at + run.time.wall(LATE_LOOK)

        def absent() -> Observed[str]:
            try:
                remaining = access.remaining_instances()
            except HostAccessError as error:
                return Observed(f"cannot look: {str(error).splitlines()[0]}")
            if remaining:
                return Observed("still there: " + ", ".join(f"{host.instance_id} {host.state}" for host in remaining))
            if self._pacing.monotonic() < late_at:
                return Observed("none left; one more look for late-born ones")
            return Observed("none", value="no instance carries the slug, also not 120 s after the purge")

        try:
            saying = self._poll("teardown: absence of instances", absent)
        except WaitExpired as error:
            seen = error.last_observation
            cause = "leaked-instance" if seen.startswith("still there") else "absence-unprovable"
            self._leak(Leak(cause, f"instances of {run.slug}: {seen}", command))
            return
        self._note("instances absent", ok=True, detail=saying)

    def _leak(self, leak: Leak) -> None:
        self._leaks.append(leak)
        self._evidence.append(
            self._run.journal.write("leak", {"cause": leak.cause, "what": leak.what, "command": leak.command})
        )
