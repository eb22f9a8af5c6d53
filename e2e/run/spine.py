"""The spine: one boot from the first request to the verdict. A newcomer reads this first.

    provisioned > tenant_ready > concierge_found > online (held) ............... > agent_acted
                                                 > hosts_reachable > settings_wired
                                                                   > presence_reported
                                                                   > registered
                                                                   > tool_listed > workspace_created
    collect and tear down always run, in that order; then the verdict is read back from the event log.

Stages are a graph: what needs only HTTP runs without the hosts, and the other way round. Waiting is done by the watch
on the concierge's row; looks at the hosts are triggered by what it sees.
"""

from e2e.clients.errors import PlatformError
from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.hosts.access import HostAccess
from e2e.run import boot as booting
from e2e.run.boot import BootResult
from e2e.run.context import Run
from e2e.run.creation import judge_creation
from e2e.run.evaluate import Window, judge_looks
from e2e.run.hold import OnlineHold
from e2e.run.journal import write_crash
from e2e.run.looks import HostLooks, Launch
from e2e.run.naming import worker_name
from e2e.run.plan import SAMPLE_EVERY, TEARDOWN_BUDGET, HoldPlan
from e2e.run.redeploy import note_redeploy
from e2e.run.rows import CreatedRow, remember, require_absent
from e2e.run.stages import Established, StageBook
from e2e.run.teardown import Teardown, TeardownResult
from e2e.run.turn import agent_acted
from e2e.run.waiting import Deadline, GivenUp, Interrupted, Observed, Uninterrupted, WaitExpired
from e2e.run.watch import ConciergeWatch


class Spine:
    """Runs the stages of one run in their order and writes everything down; it judges nothing."""

    def __init__(self, run: Run, access: HostAccess) -> None:
        self._run = run
        self._access = access
        self._book = StageBook(run.journal, run.pacing)
        self._boot = BootResult()
        self._rows: list[CreatedRow] = []
        self._looks = HostLooks(run, access)
        self._watch: ConciergeWatch | None = None

    def boot_and_prove(self) -> None:
        """Run every stage but the teardown; whatever happens is in the event log, nothing is raised."""
        try:
            self._boot_stages()
            if self._book.established("concierge_found"):
                self._prove(*self._found())
            self._book.skip_rest("needs what is not established")
        except Interrupted as interrupted:
            self._run.journal.write("interrupted", {"detail": str(interrupted)})
            self._run.journal.say("interrupted: tearing down")
            self._book.skip_rest("the run was interrupted")
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the border: a crash of ours is a verdict of its own
            self._crashed(error)
        finally:
            self._end_threads()

    def tear_down(self, *, keep: bool) -> None:
        """Remove what was created and prove its absence, with a budget and a pacing of its own."""
        run = self._run
        if keep:
            self._keep()
            return
        pacing = Uninterrupted()
        deadline = Deadline.after(pacing, run.time.teardown_cap(TEARDOWN_BUDGET))
        try:
            result = Teardown(run, self._access, pacing, deadline).tear_down(self._boot, self._rows)
        except Exception as error:  # noqa: BLE001 - the border: a teardown that crashes has proven nothing
            self._crashed(error)
            reference = run.journal.write(
                "leak",
                {
                    "cause": "absence-unprovable",
                    "what": f"the teardown crashed: {error}",
                    "command": f"slug {run.slug}",
                },
            )
            result = TeardownResult((), (reference,), "the teardown crashed")
            self._book.record("torn_down", "blocked", result.saying, evidence=result.evidence)
            return
        self._book.record(
            "torn_down", "established" if result.complete else "refuted", result.saying, evidence=result.evidence
        )

    @property
    def book(self) -> StageBook:
        """The records of the stages."""
        return self._book

    def close(self) -> None:
        """Close the connections to the tenant."""
        if self._boot.tenant is not None:
            self._boot.tenant.close()

    def _boot_stages(self) -> None:
        run, result = self._run, self._boot
        for stage, body in (
            ("provisioned", booting.provisioned),
            ("tenant_ready", booting.tenant_ready),
            ("concierge_found", booting.concierge_found),
        ):
            self._book.attempt(
                stage,
                lambda deadline, body=body: body(run, result, deadline),  # type: ignore[misc]
                cap=run.cap(stage),
                within=run.deadline,
            )

    def _found(self) -> tuple[Tenant, WorkspaceRow]:
        if self._boot.tenant is None or self._boot.concierge is None:
            raise RuntimeError("concierge_found is established without a concierge")
        return self._boot.tenant, self._boot.concierge

    def _prove(self, tenant: Tenant, concierge: WorkspaceRow) -> None:
        run = self._run
        plan = HoldPlan(run.scenario.online.hold_seconds, run.limits.settle)
        hold = OnlineHold(plan.limits(run.time))
        every = run.time.wall(SAMPLE_EVERY)
        watch = self._watch = ConciergeWatch(tenant, concierge.id, hold, run.journal, pacing=run.pacing, every=every)
        self._looks.begin(concierge.id, watch)
        watch.start()
        self._looks.reach_in_background(self._book)
        online = self._online(watch)
        opening = watch.known().opening_control
        closing = self._close_window(watch)
        launched = None if online else self._launch_plan(tenant)
        self._looks.take("hold over" if online else "failure settled", launch=launched)
        self._book.attempt(
            "agent_acted",
            lambda deadline: agent_acted(run, tenant, concierge, self._rows, deadline),
            cap=run.cap("agent_acted"),
            within=run.deadline,
        )
        if online:
            launched = self._launch_plan(tenant)
            self._looks.take("agent's turn over", launch=launched)
        watch.known()
        note_redeploy(run, tenant, self._boot.build, self._looks.seen())
        window = Window(online, opening, closing, tuple(watch.heartbeats))
        judge_looks(run, self._book, self._looks, window)
        judge_creation(run, self._book, self._looks, tenant, concierge, self._rows, launched)

    def _online(self, watch: ConciergeWatch) -> bool:
        run = self._run

        def look() -> Observed[str]:
            state = watch.state()
            if state.left_provisioning:
                self._looks.take_first_in_background()
            if state.held and state.step is not None:
                return Observed(state.step.saying, value=state.step.saying)
            if state.row is None and state.samples > 0:
                return Observed("gone", gave_up="the concierge's row is gone", cause="concierge-removed")
            if state.step is not None and state.step.gave_up is not None:
                return Observed(state.step.saying, gave_up=state.step.gave_up, cause=state.step.cause)
            if state.trouble is not None:
                return Observed(f"no answer about the row: {state.trouble}", cause=state.trouble.cause)
            return Observed(state.step.saying if state.step is not None else "no row yet")

        def body(deadline: Deadline) -> Established:
            saying = run.poll("online", look, deadline)
            reference = run.journal.write("online_held", {"opening_control": watch.state().opening_control})
            return Established(saying, (reference,))

        cap = run.cap("online", run.scenario.online.within_seconds)
        return self._book.attempt("online", body, cap=cap, within=run.deadline)

    def _close_window(self, watch: ConciergeWatch) -> str | None:
        try:
            return watch.post_control("closing")
        except PlatformError as error:
            self._run.journal.write("control_lost", {"order": "closing", "detail": str(error)})
            return None

    def _launch_plan(self, tenant: Tenant) -> Launch | None:
        """Choose the name of the probe's workspace; it is written down before, and absent before."""
        if not self._looks.reachable():
            return None
        name = worker_name("probe")
        deadline = Deadline.after(self._run.pacing, self._run.cap("tool_listed"), within=self._run.deadline)
        try:
            require_absent(self._run, tenant, name, deadline=deadline)
        except (GivenUp, WaitExpired, PlatformError) as error:
            self._book.record("tool_listed", "blocked", str(error), cause=error.cause)
            return None
        remember(self._run, self._rows, name, "probe")
        return Launch(name)

    def collect(self) -> None:
        """Save what the platform says about the tenant before the teardown; a failure only leaves a note."""
        run = self._run
        if self._boot.organisation is None:
            return
        try:
            reference = run.bundle.write_json("diagnostics", run.control_plane.diagnostics(run.slug))
        except PlatformError as error:
            run.journal.write("collect_failed", {"what": "diagnostics", "detail": str(error)})
            self._note_vanished()
        except Exception as error:  # noqa: BLE001 - the border: the teardown comes next, whatever happens here
            self._crashed(error)
        else:
            run.journal.write("collected", {"what": "diagnostics", "evidence": reference})

    def _note_vanished(self) -> None:
        """Write down that the organisation is gone before anybody here removed it; silence proves nothing."""
        run = self._run
        try:
            row = run.control_plane.organisation(run.slug)
        except PlatformError:
            return
        if row is None:
            run.journal.write("organisation_gone", {"slug": run.slug, "detail": "the control plane lists it no more"})
            run.journal.say("the organisation is gone, and nobody here removed it")

    def _keep(self) -> None:
        for entry in self._run.ledger.entries():
            if entry.identity is not None:
                self._run.ledger.mark_kept(entry.id)
        self._run.journal.write("teardown", {"step": "kept", "ok": True, "detail": "kept on request"})
        self._book.skip("torn_down", "kept on request", state="kept")

    def _end_threads(self) -> None:
        self._looks.close()
        if self._watch is not None:
            self._watch.stop()

    def _crashed(self, error: BaseException) -> None:
        write_crash(self._run.journal, error)
