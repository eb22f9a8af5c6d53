"""The book of stages: what was begun, how it ended, and which proofs follow from that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from e2e.clients.errors import PlatformError
from e2e.hosts.errors import HostAccessError
from e2e.run.journal import Journal
from e2e.run.waiting import Deadline, GivenUp, Interrupted, Pacing, WaitExpired
from e2e.verdict.proofs import PREREQUISITES, STAGES

StageState = Literal["established", "refuted", "expired", "blocked", "not_run", "interrupted", "kept"]


@dataclass(frozen=True, slots=True)
class Established:
    """What a stage returns when it is established: a line about it and the evidence it stands on."""

    saying: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageRecord:
    """How one stage ended. Times are wall seconds since the run began."""

    name: str
    state: StageState
    started: float
    ended: float
    cap: float
    last_observation: str
    cause: str | None
    evidence: tuple[str, ...]


class StageBook:
    """Runs stages in the order they are asked for and keeps their records; prerequisites are checked here only."""

    def __init__(self, journal: Journal, pacing: Pacing) -> None:
        self._journal = journal
        self._pacing = pacing
        self._began = pacing.monotonic()
        self._records: dict[str, StageRecord] = {}

    def established(self, stage: str) -> bool:
        """Whether a stage is established."""
        record = self._records.get(stage)
        return record is not None and record.state == "established"

    def attempt(
        self,
        stage: str,
        body: Callable[[Deadline], Established],
        *,
        cap: float,
        within: Deadline | None,
    ) -> bool:
        """Run one stage and return whether it is established. ``cap`` is wall seconds, cut to ``within``.

        Raises:
            Interrupted: the run was asked to stop; the record says so.
        """
        blocked_by = [name for name in PREREQUISITES[stage] if not self.established(name)]
        if blocked_by:
            self.skip(stage, f"needs {', '.join(blocked_by)}")
            return False
        deadline = Deadline.after(self._pacing, cap, within=within)
        started = self._now()
        self._journal.write("stage_started", {"stage": stage, "cap_seconds": round(deadline.budget, 3)})

        def end(state: StageState, saying: str, cause: str | None = None, evidence: tuple[str, ...] = ()) -> None:
            self._end(StageRecord(stage, state, started, self._now(), deadline.budget, saying, cause, evidence))

        try:
            established = body(deadline)
        except GivenUp as reason:
            end("refuted", reason.reason, reason.cause)
        except WaitExpired as expired:
            end("expired", f"{expired}", expired.cause)
        except (PlatformError, HostAccessError) as error:
            end("blocked", str(error).splitlines()[0], error.cause)
        except Interrupted as interrupted:
            end("interrupted", str(interrupted))
            raise
        else:
            end("established", established.saying, evidence=established.evidence)
        return self.established(stage)

    def skip(self, stage: str, reason: str, *, state: StageState = "not_run") -> None:
        """Record a stage that is not run, with the reason."""
        self._end(StageRecord(stage, state, self._now(), self._now(), 0.0, reason, None, ()))

    def skip_rest(self, reason: str) -> None:
        """Record every stage that nothing was heard of as not run; the teardown is recorded by itself."""
        for stage in STAGES:
            if stage not in self._records and stage != "torn_down":
                needs = [name for name in PREREQUISITES[stage] if not self.established(name)]
                self.skip(stage, f"needs {', '.join(needs)}" if needs else reason)

    def record(
        self, stage: str, state: StageState, saying: str, *, cause: str | None = None, evidence: tuple[str, ...] = ()
    ) -> None:
        """Record the end of a stage whose waiting was done elsewhere."""
        self._end(StageRecord(stage, state, self._now(), self._now(), 0.0, saying, cause, evidence))

    def records(self) -> tuple[StageRecord, ...]:
        """Return the records in the order in which the stages ended."""
        return tuple(self._records.values())

    def _end(self, record: StageRecord) -> None:
        if record.name in self._records:
            return
        self._records[record.name] = record
        reference = self._journal.write(
            "stage_ended",
            {
                "stage": record.name,
                "state": record.state,
                "started": round(record.started, 3),
                "ended": round(record.ended, 3),
                "cap_seconds": round(record.cap, 3),
                "last_observation": record.last_observation,
                "cause": record.cause,
                "evidence": list(record.evidence),
            },
        )
        mark = {"established": "ok", "not_run": "--", "kept": "--"}.get(record.state, "NO")
        self._journal.say(f"{mark} {record.name}: {record.last_observation}")
        if not record.evidence:
            self._records[record.name] = StageRecord(
                record.name,
                record.state,
                record.started,
                record.ended,
                record.cap,
                record.last_observation,
                record.cause,
                (reference,),
            )

    def _now(self) -> float:
        return self._pacing.monotonic() - self._began
