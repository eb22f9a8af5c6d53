"""What one run is told before it begins, and what the verdict needs to know of it beside the event log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e import __version__
from e2e.clients.pace import RequestPace
from e2e.contract import Contract
from e2e.evidence.masking import Masker
from e2e.hosts.client_pool import ClientPool
from e2e.run.neighbours import Neighbourhood
from e2e.run.target import Connection
from e2e.run.waiting import Interruption
from e2e.scenario.model import Scenario
from e2e.verdict.environment import Environment
from e2e.verdict.policy import Policy


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What one run is told: who it is, what to prove, and under which policy."""

    run_id: str
    session_id: str
    scenario: Scenario
    policy: Policy
    environment: Environment
    contract: Contract
    folder: Path
    attached: Connection | None
    interruption: Interruption
    say: Callable[[str], None]
    neighbours: Neighbourhood = field(default_factory=Neighbourhood)
    pace: RequestPace | None = None
    aws: ClientPool = field(default_factory=ClientPool)

    def demanded(self) -> dict[str, Any]:
        """Return what is demanded of the run and under which policy: the first event of its log."""
        scenario = self.scenario
        return {
            "run_id": self.run_id,
            "session_id": self.session_id,
            "scenario": scenario.name,
            "path": str(scenario.path),
            "target": self.policy.target,
            "host_access": "aws-ssm",
            "live": self.policy.live,
            "rehearsal": self.policy.rehearse,
            "policy": self.policy.as_document(),
            "demanded": list(scenario.demanded),
            "contract": self.contract.version,
            "harness": __version__,
            "hold_seconds": scenario.online.hold_seconds,
        }

    def masker(self) -> Masker:
        """Return a masker that knows every secret of the environment."""
        masker = Masker()
        for label, secret in self.environment.secrets:
            masker.add(secret, label)
        return masker


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the verdict needs beside the event log; None where the run did not get that far."""

    slug: str | None
    connection: Connection | None
    commands_sent: int | None
    ledger_closed: bool | None
