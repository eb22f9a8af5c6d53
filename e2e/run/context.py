"""What every part of one run shares: who it is, where it happens, and where it writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from e2e.clients.control_plane import ControlPlane
from e2e.contract import Contract
from e2e.evidence.bundle import Bundle
from e2e.evidence.masking import Masker
from e2e.ledger.ledger import Ledger
from e2e.run.journal import Journal
from e2e.run.plan import CAPS, SAMPLE_EVERY, Limits
from e2e.run.platform_time import PlatformTime
from e2e.run.target import Connection
from e2e.run.waiting import Deadline, Observed, Pacing, T, poll_until
from e2e.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``pacing`` is interruptible until the teardown begins, which has a pacing of its own."""

    run_id: str
    slug: str
    organisation_name: str
    scenario: Scenario
    contract: Contract
    connection: Connection
    control_plane: ControlPlane
    time: PlatformTime
    pacing: Pacing
    journal: Journal
    bundle: Bundle
    ledger: Ledger
    masker: Masker
    now: Callable[[], datetime]
    deadline: Deadline
    limits: Limits = field(default_factory=Limits)

    def cap(self, stage: str, otherwise: float | None = None) -> float:
        """Return the wall seconds that a stage may take: ``otherwise`` or its usual cap, unless somebody set it."""
        usual = CAPS[stage] if otherwise is None else otherwise
        return self.time.stage_cap(self.limits.caps.get(stage, usual))

    @property
    def request_timeout(self) -> float:
        """Wall seconds for one ordinary request."""
        return self.time.real(30.0, "request")

    def poll(self, what: str, observe: Callable[[], Observed[T]], deadline: Deadline) -> T:
        """Poll at the run's pace until ``observe`` has a value; see :func:`poll_until`."""
        return poll_until(
            what,
            observe,
            deadline=deadline,
            every=self.time.wall(SAMPLE_EVERY),
            pacing=self.pacing,
            say=self.journal.say,
        )
