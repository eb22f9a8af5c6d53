"""What one run is told before it begins, and what the verdict needs to know of it beside the event log."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from e2e.contract import Contract
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


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the verdict needs beside the event log; None where the run did not get that far."""

    slug: str | None
    connection: Connection | None
    commands_sent: int | None
    ledger_closed: bool | None
