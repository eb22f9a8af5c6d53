"""Runs one shell text on several hosts by SSM Run Command, and cannot be fooled about what became of it.

* A command is sent once. When the answer to the send is lost, the command is looked up by the nonce in its comment
  before anything is sent again; only an idempotent one is sent again at all.
* ``InvocationDoesNotExist`` and an empty list right after a send mean *not yet*.
* One ListCommandInvocations page tells the status of all hosts, of every command under way in this process
  (e2e.hosts.watching); GetCommandInvocation is asked once, at the end, for the content. Both can lag behind each other.
* When our own deadline is over the command is cancelled, and the cancellation is confirmed or reported unconfirmed.

See docs/platform.md, SSM Run Command, and the AWS API reference of the calls named.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from e2e.hosts.audit import Audit
from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.aws_errors import NOT_YET_CODES, aws_failures, error_code, translate
from e2e.hosts.command import Command, CommandTimes, Invocation, Output
from e2e.hosts.durations import parse_duration
from e2e.hosts.errors import (
    AccessDenied,
    Cancelled,
    CommandKilled,
    DeliveryTimedOut,
    ExecutionTimedOut,
    HostAccessError,
    StatusUnknown,
    Throttled,
    Undeliverable,
    aws_command,
    repro_invocation,
)
from e2e.hosts.polling import PollTimes
from e2e.hosts.sending import Sender
from e2e.hosts.status import Outcome, Reading, read_status

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import CommandInvocationTypeDef, GetCommandInvocationResultTypeDef

COMMENT_CHARACTERS = 100
HOSTS_PER_COMMAND = 50

_ENDINGS: dict[Outcome, type[HostAccessError]] = {
    Outcome.FAILED: CommandKilled,
    Outcome.KILLED: CommandKilled,
    Outcome.UNDELIVERABLE: Undeliverable,
    Outcome.DELIVERY_TIMED_OUT: DeliveryTimedOut,
    Outcome.EXECUTION_TIMED_OUT: ExecutionTimedOut,
    Outcome.CANCELLED: Cancelled,
    Outcome.REFUSED: AccessDenied,
    Outcome.RATE_EXCEEDED: Throttled,
    Outcome.NOT_APPLICABLE: StatusUnknown,
    Outcome.UNKNOWN: StatusUnknown,
}


class SsmTransport:
    """Sends shell text and brings back what it printed. Safe to share between threads."""

    def __init__(
        self,
        clients: AwsClients,
        poll: PollTimes,
        audit: Audit,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        randomness: Random | None = None,
        new_nonce: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._clients = clients
        self._poll = poll
        self._audit = audit
        self._monotonic = monotonic
        self._sleep = sleep
        self._now = now
        self._randomness = randomness or Random()  # noqa: S311 - jitter, not a secret
        self._new_nonce = new_nonce
        self._sender = Sender(
            clients, gaps=self._gaps, lookup_seconds=poll.lookup_seconds, monotonic=monotonic, sleep=sleep
        )

    @property
    def commands_sent(self) -> int:
        """How many SendCommand calls went out, those included whose answer was lost."""
        return self._sender.commands_sent

    def execute(
        self,
        text: str,
        instance_ids: Sequence[str],
        times: CommandTimes,
        *,
        comment: str,
        idempotent: bool,
        until: Callable[[], None] | None = None,
    ) -> Mapping[str, Output | HostAccessError]:
        """Run ``text`` on every host and return one result for each.

        ``until`` is called at every poll and may raise to end the wait; the command is then cancelled first.

        Raises:
            InstanceIdRefused: AWS did not take one of the ids, so the command ran nowhere.
            HostAccessError: the command could not be sent, or it is unknown whether it was.
        """
        if not 0 < len(set(instance_ids)) <= HOSTS_PER_COMMAND:
            raise ValueError(f"a command goes to 1 to {HOSTS_PER_COMMAND} hosts, not {len(set(instance_ids))}")
        nonce = self._new_nonce()
        room = COMMENT_CHARACTERS - len(nonce) - 1
        command = Command(
            nonce=nonce,
            comment=f"{comment[:room]} {nonce}",
            text=text,
            times=times,
            invocations={instance_id: Invocation(instance_id) for instance_id in instance_ids},
            sent_at=self._now(),
            started=self._monotonic(),
            checkpoint=until or (lambda: None),
        )
        try:
            self._sender.send(command, idempotent=idempotent)
            self._clients.watch.follow(command.command_id, command.accepted_at)
            self._wait(command)
        except BaseException as error:
            # Also KeyboardInterrupt: nothing of ours may go on running on a host that nobody waits for.
            if isinstance(error, HostAccessError):
                self._give_up(command, error)
            self._cancel(command, confirm=False)
            raise
        finally:
            self._clients.watch.forget(command.command_id)
            self._record(command)
        return {
            instance_id: invocation.result or self._overdue(command, invocation)
            for instance_id, invocation in command.invocations.items()
        }

    # --- waiting ---------------------------------------------------------------------------------------------------

    def _wait(self, command: Command) -> None:
        deadline = command.started + command.times.wall_deadline_seconds
        gaps = self._gaps()
        while command.open():
            remaining = deadline - self._monotonic()
            if remaining <= 0:
                self._cancel(command, confirm=True)
                return
            gap = min(next(gaps), remaining)
            self._sleep(gap)
            command.checkpoint()
            # What another run's thread has just asked for all of us is as good as asking again.
            self._poll_once(command, not_before=self._monotonic() - gap / 2)

    def _poll_once(self, command: Command, *, not_before: float) -> None:
        """Look once at the status of every host, and fetch the content of those that have ended."""
        command.polls += 1
        try:
            for listed in self._clients.watch.rows(
                command.command_id, not_before=not_before, monotonic=self._monotonic
            ):
                self._note(command, listed)
            command.last_trouble = None
            for invocation in command.open():
                if invocation.reading is not None and invocation.reading.outcome.is_final:
                    self._collect(command, invocation)
        except aws_failures() as error:
            if error_code(error) in NOT_YET_CODES:
                return
            failure = translate(
                error,
                what="reading the invocations",
                repro=aws_command(
                    ("ssm", "list-command-invocations", "--command-id", command.command_id), self._clients.region
                ),
            )
            if not failure.may_get_better:
                self._give_up(command, failure)
            command.last_trouble = failure

    def _note(self, command: Command, listed: "CommandInvocationTypeDef") -> None:
        invocation = command.invocations.get(listed["InstanceId"])
        if invocation is None or invocation.result is not None:
            return
        plugins = listed.get("CommandPlugins") or []
        code = plugins[0].get("ResponseCode") if plugins else None
        invocation.reading = read_status(listed.get("Status", ""), listed.get("StatusDetails"), code)

    def _collect(self, command: Command, invocation: Invocation) -> None:
        """Fetch the content of one host that has ended. It may lag and say *running* again: then not yet."""
        answer = self._clients.ssm().get_command_invocation(
            CommandId=command.command_id, InstanceId=invocation.instance_id
        )
        reading = read_status(
            answer.get("Status", ""),
            answer.get("StatusDetails"),
            answer.get("ResponseCode"),
            elapsed_seconds=_duration(answer),
            execution_seconds=command.times.execution_seconds,
        )
        if not reading.outcome.is_final:
            return
        text = answer.get("StandardOutputContent", "")
        invocation.reading = reading
        invocation.output_bytes = len(text.encode("utf-8", "replace"))
        invocation.error_bytes = len(answer.get("StandardErrorContent", "").encode("utf-8", "replace"))
        if reading.outcome is Outcome.SUCCEEDED:
            invocation.result = Output(command.command_id, text, reading)
            return
        kind = _ENDINGS[reading.outcome]
        invocation.result = kind(
            f"{reading}, {_duration(answer) or 0:.0f} s of {command.times.execution_seconds} s, "
            f"delivery within {command.times.delivery_seconds} s",
            instance_id=invocation.instance_id,
            command_id=command.command_id,
            repro=repro_invocation(command.command_id, invocation.instance_id, self._clients.region),
        )

    def _give_up(self, command: Command, failure: HostAccessError) -> None:
        """Reading will never work again (credentials, permission): every open host gets that as its result."""
        for invocation in command.open():
            invocation.result = failure.for_instance(invocation.instance_id)

    # --- the end of patience ---------------------------------------------------------------------------------------

    def _cancel(self, command: Command, *, confirm: bool) -> None:
        """Cancel what is still open. A refused or throttled cancel is not a confirmation, nor is silence."""
        pending = command.open()
        if not command.command_id or not pending:
            return
        before = {invocation.instance_id: invocation.reading for invocation in pending}
        try:
            self._clients.ssm().cancel_command(
                CommandId=command.command_id, InstanceIds=[invocation.instance_id for invocation in pending]
            )
            said = "asked"
        except aws_failures() as error:
            said = f"refused: {translate(error, what='CancelCommand').detail}"
        for invocation in pending:
            invocation.cancelled = said
        if confirm:
            self._confirm(command, before)

    def _confirm(self, command: Command, before: Mapping[str, Reading | None]) -> None:
        give_up = self._monotonic() + self._poll.confirm_seconds
        gaps = self._gaps()
        while command.open() and self._monotonic() < give_up:
            self._poll_once(command, not_before=self._monotonic())
            if command.open():
                self._sleep(next(gaps))
        for instance_id, reading in before.items():
            invocation = command.invocations[instance_id]
            if isinstance(invocation.result, Output):
                continue  # It ended by itself while we cancelled: an answer is an answer.
            if isinstance(invocation.result, Cancelled):
                invocation.cancelled = "confirmed"
                invocation.result = None
            elif invocation.result is None:
                invocation.cancelled = f"{invocation.cancelled}, unconfirmed"
            if invocation.result is None:
                invocation.reading = reading or invocation.reading
                invocation.result = self._overdue(command, invocation)

    def _overdue(self, command: Command, invocation: Invocation) -> HostAccessError:
        """Return the error for a host that gave no result within our own deadline."""
        if command.last_trouble is not None:
            return command.last_trouble.for_instance(invocation.instance_id)
        reading = invocation.reading
        started = reading is not None and reading.outcome in {Outcome.RUNNING, Outcome.CANCELLING}
        kind = ExecutionTimedOut if started else DeliveryTimedOut
        return kind(
            f"no end within our own {command.times.wall_deadline_seconds:.0f} s; last seen: "
            f"{reading or 'no invocation'}; cancel {invocation.cancelled or 'not asked'}",
            instance_id=invocation.instance_id,
            command_id=command.command_id,
            repro=repro_invocation(command.command_id, invocation.instance_id, self._clients.region),
        )

    def _gaps(self) -> Iterator[float]:
        return self._poll.gaps(self._randomness)

    def _record(self, command: Command) -> None:
        for record in command.records(self._now(), self._monotonic() - command.started):
            self._audit(record.document())


def _duration(answer: "GetCommandInvocationResultTypeDef") -> float | None:
    """Return ``ExecutionElapsedTime`` in seconds (ISO 8601, e.g. ``PT1H0.271S``), or None before it started."""
    return parse_duration(answer.get("ExecutionElapsedTime", ""))
