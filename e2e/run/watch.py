"""Watches one concierge's row beside everything else, from the moment it is found until it is torn down."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from e2e.clients.errors import PlatformError, Refused
from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.run.hold import HoldStep, OnlineHold, Sample
from e2e.run.journal import Journal
from e2e.run.waiting import Interrupted, Pacing


@dataclass(frozen=True, slots=True)
class WatchState:
    """A consistent view of what the watch knows. ``trouble`` is set while the platform does not answer."""

    row: WorkspaceRow | None
    step: HoldStep | None
    left_provisioning: bool
    held: bool
    opening_control: str | None
    published_failure: bool
    samples: int
    lost_samples: int
    trouble: PlatformError | None = None


class ConciergeWatch:
    """Samples the single row; asks the list only when the status changes, since only the list shows the error.

    ``every`` is wall seconds between two samples. At the start of each window it posts a control refusal, so that the
    registry log can later be cut at that very place.
    """

    def __init__(
        self,
        tenant: Tenant,
        concierge_id: str,
        hold: OnlineHold,
        journal: Journal,
        *,
        pacing: Pacing,
        every: float,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._tenant = tenant
        self._concierge_id = concierge_id
        self._hold = hold
        self._journal = journal
        self._pacing = pacing
        self._every = every
        self._new_id = new_id
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._state = WatchState(None, None, False, False, None, False, 0, 0)
        self._status: str | None = None
        self.heartbeats: list[str] = []
        self.control_ids: list[str] = []
        self._thread = threading.Thread(target=self._run, name=f"watch-{concierge_id[:8]}", daemon=True)
        self._failure: Exception | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wait until the thread is gone."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def state(self) -> WatchState:
        """Return what is known now.

        Raises:
            Exception: whatever stopped the watch; a watch that died must not look like a quiet one.
        """
        with self._changed:
            if self._failure is not None:
                raise self._failure
            return self._state

    def known(self) -> WatchState:
        """Return what was known last, also where an answer of the platform has stopped the watch.

        Raises:
            Exception: the watch crashed; an answer of the platform is not a crash, and is in the journal.
        """
        with self._changed:
            if self._failure is not None and not isinstance(self._failure, PlatformError):
                raise self._failure
            return self._state

    def post_control(self, order: str) -> str:
        """Post a control refusal and return its id; ``order`` is ``opening`` or ``closing``."""
        control_id = self._new_id()
        status = self._tenant.post_control_refusal(control_id)
        self.control_ids.append(control_id)
        self._journal.write("control", {"id": control_id, "order": order, "http_status": status})
        return control_id

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._sample()
                self._pacing.pause(self._every)
        except Interrupted:
            return
        except Exception as error:  # noqa: BLE001 - handed to whoever asks for the state
            with self._changed:
                self._failure = error
            self._journal.write("watch_ended", {"error": f"{type(error).__name__}: {error}"})

    def _sample(self) -> None:
        state = self._state
        try:
            row = self._tenant.workspace(self._concierge_id)
        except Refused:
            raise
        except PlatformError as error:
            if state.trouble is None:
                self._journal.write("samples_lost", {"detail": str(error)})
            with self._changed:
                self._state = replace(state, lost_samples=state.lost_samples + 1, trouble=error)
            return
        if state.trouble is not None:
            self._journal.write("samples_again", {"lost": state.lost_samples})
        at = self._pacing.monotonic()
        status = row.status if row is not None else "gone"
        if status != self._status:
            self._status = status
            self._note_status(status, row)
        if row is None:
            with self._changed:
                self._state = replace(state, row=None, samples=state.samples + 1, trouble=None)
            return
        if row.last_heartbeat_at is not None and row.last_heartbeat_at not in self.heartbeats[-1:]:
            self.heartbeats.append(row.last_heartbeat_at)
            self._journal.write("heartbeat", {"at": row.last_heartbeat_at, "status": row.status})
        step = self._hold.take(Sample(at, row.status, row.url is not None, row.last_heartbeat_at))
        opening = self._window(step, state.opening_control)
        with self._changed:
            self._state = WatchState(
                row=row,
                step=step if state.step is None or state.step.gave_up is None else state.step,
                left_provisioning=state.left_provisioning or row.status not in ("provisioning", "offline"),
                held=self._hold.held,
                opening_control=opening,
                published_failure=state.published_failure or row.status == "failed",
                samples=state.samples + 1,
                lost_samples=state.lost_samples,
            )

    def _window(self, step: HoldStep, opening: str | None) -> str | None:
        if step.window is None:
            return opening
        if step.window == "opened":
            try:
                opening = self.post_control("opening")
            except PlatformError as error:
                self._journal.write("control_lost", {"order": "opening", "detail": str(error)})
                opening = None
        self._journal.write("window", {"state": step.window, "opening_control": opening, "falls": self._hold.falls})
        return opening

    def _note_status(self, status: str, row: WorkspaceRow | None) -> None:
        error = None
        if row is not None:
            try:
                error = next((r.last_sample_error for r in self._tenant.workspaces() if r.id == row.id), None)
            except PlatformError:
                error = None
        self._journal.write(
            "status",
            {
                "status": status,
                "url": row is not None and row.url is not None,
                "last_heartbeat_at": row.last_heartbeat_at if row else None,
                "last_sample_error": error,
                "wedged": row.wedged if row else None,
            },
        )
