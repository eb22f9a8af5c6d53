"""One SSM command while it is under way: its budgets, its hosts, and what became of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from e2e.hosts.audit import CommandRecord, text_hash
from e2e.hosts.errors import HostAccessError
from e2e.hosts.status import Reading

MINIMUM_DELIVERY_SECONDS = 30
MINIMUM_EXECUTION_SECONDS = 5


@dataclass(frozen=True, slots=True)
class CommandTimes:
    """The budgets of a command. The first two go on the wire, in whole platform seconds; the last is wall time."""

    delivery_seconds: int
    execution_seconds: int
    wall_deadline_seconds: float

    def __post_init__(self) -> None:
        if self.delivery_seconds < MINIMUM_DELIVERY_SECONDS:
            raise ValueError(f"SSM takes no delivery timeout under {MINIMUM_DELIVERY_SECONDS} s")
        if self.execution_seconds < MINIMUM_EXECUTION_SECONDS:
            raise ValueError(
                f"an execution timeout under {MINIMUM_EXECUTION_SECONDS} s silently becomes 3600 s on the agent"
            )


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed on one host; text as SSM handed it back."""

    command_id: str
    text: str
    reading: Reading


@dataclass
class Invocation:
    """The state of one host while the command is watched."""

    instance_id: str
    reading: Reading | None = None
    result: Output | HostAccessError | None = None
    output_bytes: int = 0
    error_bytes: int = 0
    cancelled: str | None = None


@dataclass
class Command:
    """One command under way."""

    nonce: str
    comment: str
    text: str
    times: CommandTimes
    invocations: dict[str, Invocation]
    sent_at: datetime
    started: float
    command_id: str = ""
    accepted_at: datetime | None = None
    how_confirmed: str = "answer"
    polls: int = 0
    last_trouble: HostAccessError | None = None
    checkpoint: Callable[[], None] = field(default=lambda: None)

    def open(self) -> list[Invocation]:
        """Return the hosts that have no result yet."""
        return [invocation for invocation in self.invocations.values() if invocation.result is None]

    def records(self, ended_at: datetime, seconds: float) -> Iterator[CommandRecord]:
        """Return the audit record of every host; ``seconds`` is how long the whole took."""
        digest = text_hash(self.text)
        for invocation in self.invocations.values():
            reading, result = invocation.reading, invocation.result
            outcome = "answered" if isinstance(result, Output) else type(result).__name__ if result else "abandoned"
            yield CommandRecord(
                command_id=self.command_id or None,
                nonce=self.nonce,
                instance_id=invocation.instance_id,
                comment=self.comment,
                text_sha256=digest,
                text_bytes=len(self.text.encode("utf-8")),
                sent_at=self.sent_at.isoformat(),
                ended_at=ended_at.isoformat(),
                seconds=round(seconds, 3),
                how_confirmed=self.how_confirmed if self.command_id else "never",
                status=reading.status if reading else None,
                status_details=reading.details if reading else None,
                response_code=reading.response_code if reading else None,
                output_bytes=invocation.output_bytes,
                error_bytes=invocation.error_bytes,
                polls=self.polls,
                cancelled=invocation.cancelled,
                delivery_seconds=self.times.delivery_seconds,
                execution_seconds=self.times.execution_seconds,
                outcome=outcome,
            )
