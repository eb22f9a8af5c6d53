"""Invocations that do not simply end as their script does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from e2e.twin.cloud.commands import NOT_STARTED, Invocation, InvocationState
from e2e.twin.cloud.shell import KILLED, Interrupt, ShellResult

ODD_STATUS = ("Failed", "ServiceInterrupted")
"""A pair of ``Status`` and ``StatusDetails`` that no document of AWS has."""


class Ending(Enum):
    """How the service says that an invocation ends, whatever the script does."""

    UNDELIVERABLE = "Failed/Undeliverable"
    DELIVERY_TIMED_OUT = "TimedOut/DeliveryTimedOut"
    EXECUTION_TIMED_OUT = "TimedOut/ExecutionTimedOut"
    STUCK = "InProgress for ever"
    ODD = "a pair that nobody knows"


@dataclass(frozen=True)
class Fate:
    """What becomes of one invocation."""

    unseen_reads: int = 0
    """How many reads find nothing before the first that finds it."""
    ending: Ending | None = None
    """``None``: as its script ends."""
    executions: int = 1
    """How often the machine runs the script; the last run is the one that counts."""
    kills_machine: bool = False
    """Whether the machine is terminated while the script runs."""
    spoil: Callable[[bytes], bytes] | None = None
    """What the way back does to the standard output."""


@dataclass
class FatedInvocation(Invocation):
    """One command on one instance, with its fate. The service's waits are platform time: nothing real runs in them."""

    fate: Fate = field(default_factory=Fate)
    delivery_wait: float = 0.0
    """Wall seconds until the service gives up a delivery that never comes."""
    execution_wait: float = 0.0
    """Wall seconds until the service gives up a script that hangs."""
    _reads: int = 0

    @property
    def executions(self) -> int:
        """How often the machine runs the script; 0 where it never gets there."""
        return self.fate.executions

    @property
    def kills_machine(self) -> bool:
        """Whether the machine is terminated while the script runs."""
        return self.fate.kills_machine

    def shows(self) -> bool:
        """Tell one read whether it finds the invocation; the first ones do not."""
        with self._lock:
            self._reads += 1
            return self._reads > self.fate.unseen_reads and super().shows()

    def begin(self, interrupt: Interrupt, now: datetime) -> bool:
        """Begin as any other; one that is called undeliverable runs without anybody knowing."""
        if self.fate.ending is Ending.UNDELIVERABLE:
            return True
        return super().begin(interrupt, now)

    def finish(self, result: ShellResult | None, elapsed: float, now: datetime) -> None:
        """Take the result as the way back left it."""
        if self.fate.ending is Ending.UNDELIVERABLE:
            return
        if result is not None and self.fate.spoil is not None:
            result = replace(result, stdout=self.fate.spoil(result.stdout))
        super().finish(result, elapsed, now)
        with self._lock:
            if self.fate.ending is Ending.ODD and self._state.terminal:
                status, details = ODD_STATUS
                self._state = replace(self._state, status=status, details=details)

    def _expire(self, now: datetime) -> None:
        if self._state.terminal:
            return
        waited = time.monotonic() - self._sent
        match self.fate.ending:
            case Ending.UNDELIVERABLE:
                if waited >= self.budgets.delivered:
                    self._state = InvocationState("Failed", "Undeliverable", NOT_STARTED, ended_at=now)
            case Ending.DELIVERY_TIMED_OUT:
                if waited >= self.delivery_wait:
                    self._state = InvocationState("TimedOut", "DeliveryTimedOut", ended_at=now)
            case Ending.EXECUTION_TIMED_OUT | Ending.STUCK:
                self._hang(waited, now)
            case _:
                super()._expire(now)

    def _hang(self, waited: float, now: datetime) -> None:
        if self._state.status == "Pending" and waited >= self.budgets.delivered:
            self._state = InvocationState("InProgress", "InProgress", started_at=now)
        if self.fate.ending is Ending.STUCK:
            return
        if self._state.status == "Cancelling":
            self._state = replace(
                self._state, status="Cancelled", details="Cancelled", response_code=KILLED, ended_at=now
            )
        elif waited >= self.budgets.delivered + self.execution_wait:
            self._state = replace(
                self._state,
                status="TimedOut",
                details="ExecutionTimedOut",
                response_code=KILLED,
                ended_at=now,
                elapsed_seconds=float(self.command.execution_seconds),
            )
