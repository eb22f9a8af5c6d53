"""Commands and their invocations: the states they pass through, and what is known of them."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from e2e.twin.cloud.shell import KILLED, Interrupt, ShellResult

NOT_STARTED = -1
"""``ResponseCode`` of what did not start or has not ended."""
REBOOT = 194
"""Exit code that asks the agent to reboot the machine and run again; a machine that cannot reboot hangs so."""
EXIT_WITH_SUCCESS = 168
EXIT_WITH_FAILURE = 169
_TERMINAL = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})


@dataclass(frozen=True)
class Command:
    """What SendCommand was asked for."""

    command_id: str
    instance_ids: tuple[str, ...]
    """The instances it went to, after targets were resolved."""
    given_instance_ids: tuple[str, ...]
    targets: tuple[Mapping[str, object], ...]
    document_name: str
    document_version: str
    parameters: Mapping[str, list[str]]
    comment: str
    requested_at: datetime
    expires_after: datetime
    delivery_seconds: int
    execution_seconds: int
    max_concurrency: str
    max_errors: str


@dataclass(frozen=True)
class InvocationState:
    """An invocation at one moment."""

    status: str = "Pending"
    details: str = "Pending"
    response_code: int = NOT_STARTED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    elapsed_seconds: float | None = None
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def terminal(self) -> bool:
        """Whether it will not change any more; ``Cancelling`` still will."""
        return self.status in _TERMINAL


@dataclass(frozen=True)
class Budgets:
    """Wall seconds of one invocation, counted from the moment it was sent."""

    visible: float
    """Before this, GetCommandInvocation does not know it and lists leave it out."""
    delivered: float
    """Before this, it is not given to the machine."""
    delivery: float
    """After this, it is not started any more."""
    execution: float
    """From its start, until it is killed."""


@dataclass
class Invocation:
    """One command on one instance; every method may be called from any thread."""

    command: Command
    instance_id: str
    budgets: Budgets
    _sent: float = field(default_factory=time.monotonic)
    _state: InvocationState = field(default_factory=InvocationState)
    _interrupt: Interrupt | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def executions(self) -> int:
        """How often the machine is to run the script; 0 where it never hears of it."""
        return 1

    @property
    def kills_machine(self) -> bool:
        """Whether the machine is terminated while the script runs."""
        return False

    def shows(self) -> bool:
        """Tell one read of the service whether it finds the invocation; asked once for each read."""
        return time.monotonic() - self._sent >= self.budgets.visible

    def seconds_until_delivery(self) -> float:
        """Return the wall seconds before the machine gets it."""
        return self._sent + self.budgets.delivered - time.monotonic()

    def state(self, now: datetime) -> InvocationState:
        """Return its state; a budget that ran out meanwhile is noticed here."""
        with self._lock:
            self._expire(now)
            return self._state

    def begin(self, interrupt: Interrupt, now: datetime) -> bool:
        """Go to ``InProgress``; return whether it may run: not when cancelled or too late."""
        with self._lock:
            self._expire(now)
            if self._state.terminal:
                return False
            self._interrupt = interrupt
            self._state = InvocationState("InProgress", "InProgress", started_at=now)
            return True

    def finish(self, result: ShellResult | None, elapsed: float, now: datetime) -> None:
        """Take the result; ``None`` means that the machine went away, and the service does not learn of an end."""
        with self._lock:
            self._interrupt = None
            if result is None or self._state.terminal:
                return
            if result.ended_by == "timeout":
                # Real work has a floor at high speed, the wire has platform time: what used up its budget says so.
                elapsed = max(elapsed, float(self.command.execution_seconds))
            ended = outcome(result)
            if ended is not None:
                self._state = replace(ended, started_at=self._state.started_at, ended_at=now, elapsed_seconds=elapsed)

    def cancel(self, now: datetime) -> None:
        """Cancel: at once if it waits, by killing it if it runs; what has ended stays as it is."""
        with self._lock:
            self._expire(now)
            if self._state.status == "Pending":
                self._state = InvocationState("Cancelled", "Cancelled", ended_at=now)
            elif self._state.status == "InProgress":
                self._state = replace(self._state, status="Cancelling", details="Cancelling")
                if self._interrupt is not None:
                    self._interrupt.set()

    def _expire(self, now: datetime) -> None:
        if self._state.terminal or self._interrupt is not None:
            return
        waited = time.monotonic() - self._sent
        if self._state.status == "Pending":
            if waited > self.budgets.delivery:
                self._state = InvocationState("TimedOut", "DeliveryTimedOut", ended_at=now)
        elif waited > self.budgets.delivery + self.budgets.execution:
            self._state = replace(
                self._state,
                status="TimedOut",
                details="ExecutionTimedOut",
                ended_at=now,
                elapsed_seconds=max(waited, float(self.command.execution_seconds)),
            )


def outcome(result: ShellResult) -> InvocationState | None:
    """Return the state that a result means for the agent; ``None`` for 194, which it answers with a reboot.

    137 is a timeout even when the script itself ended so (an OOM kill inside): the agent cannot tell.
    """
    if result.ended_by == "cancel":
        return InvocationState("Cancelled", "Cancelled", KILLED, stdout=result.stdout, stderr=result.stderr)
    code = result.exit_code
    if code == KILLED:
        return InvocationState("TimedOut", "ExecutionTimedOut", KILLED, stdout=result.stdout, stderr=result.stderr)
    if code == REBOOT:
        return None
    if code == 0:
        return InvocationState("Success", "Success", 0, stdout=result.stdout, stderr=result.stderr)
    if code == EXIT_WITH_SUCCESS:
        return InvocationState("Success", "Success", code, stdout=result.stdout + _ended_document(code, "succeeded"))
    failure = "signal: killed" if code < 0 else f"exit status {code}"
    stderr = result.stderr + f"failed to run commands: {failure}".encode()
    stdout = result.stdout
    if code == EXIT_WITH_FAILURE:
        text = _ended_document(code, "Failed")
        stdout, stderr = stdout + text, stderr + text
    return InvocationState("Failed", "Failed", code, stdout=stdout, stderr=stderr)


def _ended_document(code: int, result: str) -> bytes:
    """Return what the agent adds to the output of a step that ends its document (amazon-ssm-agent, runpluginutil)."""
    return (
        f"\nStep exited with code {code}. Therefore, marking step as {result}. Further document steps will be skipped."
    ).encode()
