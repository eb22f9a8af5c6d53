"""Host access over AWS: found in EC2, looked into over SSM, answers in an envelope."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from e2e.hosts.access import HostAnswer, HostRef
from e2e.hosts.audit import Audit
from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.aws_errors import aws_failures, translate
from e2e.hosts.chunks import READER_SECONDS, ChunkReader
from e2e.hosts.command import CommandTimes, Output
from e2e.hosts.discovery import Discovery
from e2e.hosts.envelope import DEFAULT_LIMITS, Enveloped, EnvelopeLimits, Opened, new_marker, open_envelope, wrap
from e2e.hosts.errors import (
    HostAccessError,
    InstanceIdRefused,
    NotManaged,
    OutputCorrupt,
    OutputTruncated,
    aws_command,
    repro_invocation,
)
from e2e.hosts.polling import PollTimes
from e2e.hosts.ssm import SsmTransport

_ECHO = b"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])\n"
_ECHO_WIRE_SECONDS = 30
_ECHO_PROGRAM_SECONDS = 9.0
_PIECE_WIRE_SECONDS = max(30, round(READER_SECONDS))


@dataclass(frozen=True, slots=True)
class _Order:
    """One program on its way to its hosts; ``deadline`` is by our monotonic clock."""

    text: str
    marker: str
    times: CommandTimes
    comment: str
    idempotent: bool
    until: Callable[[], None] | None
    deadline: float


class AwsAccess:
    """The hosts of one tenant by EC2 and SSM; an implementation of :class:`e2e.hosts.access.HostAccess`."""

    name = "aws-ssm"

    def __init__(
        self,
        regions: Mapping[str, SsmTransport],
        clients: Sequence[AwsClients],
        discovery: Discovery,
        *,
        echo_seconds: float,
        limits: EnvelopeLimits = DEFAULT_LIMITS,
        new_token: Callable[[], str] = lambda: secrets.token_hex(16),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transports = regions
        self._clients = clients
        self._discovery = discovery
        self._echo_seconds = echo_seconds
        self._limits = limits
        self._new_token = new_token
        self._monotonic = monotonic
        self._proven: frozenset[str] = frozenset()

    @property
    def commands_sent(self) -> int:
        """How many SendCommand calls went out, the ambiguous ones included."""
        return sum(transport.commands_sent for transport in self._transports.values())

    def warm(self) -> None:
        """Make the AWS clients now; for a thread while something else is waited for."""
        for clients in self._clients:
            clients.warm()

    def account(self) -> str:
        """Return the id of the AWS account that the credentials belong to.

        Raises:
            HostAccessError: STS could not be asked.
        """
        clients = self._clients[0]
        try:
            return clients.sts().get_caller_identity()["Account"]
        except aws_failures() as error:
            repro = aws_command(("sts", "get-caller-identity"), clients.region)
            raise translate(error, what="GetCallerIdentity", repro=repro) from error

    def find(self) -> tuple[HostRef, ...]:
        """Return every machine that is known now: see :meth:`HostAccess.find`."""
        return self._discovery.all()

    def remaining_instances(self) -> tuple[HostRef, ...]:
        """Return every machine with the slug in its name that is not terminated: see :class:`HostAccess`."""
        return tuple(host for host in self._discovery.tagged() if host.state != "terminated")

    def reach(self, until: Callable[[], None]) -> tuple[HostRef, ...]:
        """Climb the readiness ladder once: running, managed, agent online, echo intact; see :class:`HostAccess`.

        A machine that answered the echo once is not sent another.
        """
        until()
        hosts = self._discovery.living()
        until()
        self._discovery.managed(hosts)
        until()
        unproven = [host for host in hosts if host.instance_id not in self._proven]
        if unproven:
            self._echo(unproven, until)
            self._proven |= {host.instance_id for host in unproven}
        return hosts

    def run(
        self,
        program: bytes,
        hosts: Sequence[HostRef],
        *,
        argument: bytes = b"",
        delivery_seconds: float,
        execution_seconds: float,
        wall_deadline_seconds: float,
        comment: str,
        program_seconds: float | None = None,
        idempotent: bool = False,
        until: Callable[[], None] | None = None,
    ) -> Mapping[str, HostAnswer | HostAccessError]:
        """Run a Python program on all hosts with one SendCommand: see :meth:`HostAccess.run`.

        When SSM refuses an instance id, the broken rung of each host is named and the sound ones are sent the
        command alone (a refused command ran nowhere). An answer larger than SSM carries takes more commands, all of
        them within ``wall_deadline_seconds``. Hosts of another region take a command of their own, at the same time.

        Raises:
            ValueError: a budget under what SSM takes, or no host at all.
            ProgramTooLargeError: the program does not fit into one command.
        """
        times = CommandTimes(round(delivery_seconds), round(execution_seconds), wall_deadline_seconds)
        marker = new_marker(self._new_token())
        limit = program_seconds if program_seconds is not None else max(1.0, execution_seconds - 5.0)
        text = wrap(program, argument, marker, program_seconds=limit, limits=self._limits)
        order = _Order(text, marker, times, comment, idempotent, until, self._monotonic() + wall_deadline_seconds)
        by_region: dict[str, list[HostRef]] = {}
        for host in hosts:
            by_region.setdefault(host.region, []).append(host)
        if not by_region:
            raise ValueError("no host was given")
        if len(by_region) == 1:
            return self._run_in(*by_region.popitem(), order)
        with ThreadPoolExecutor(len(by_region)) as pool:
            answers = list(pool.map(lambda item: self._run_in(item[0], item[1], order), by_region.items()))
        return {key: answer for part in answers for key, answer in part.items()}

    def _run_in(
        self, region: str, hosts: Sequence[HostRef], order: "_Order"
    ) -> Mapping[str, HostAnswer | HostAccessError]:
        """Run one order on the hosts of one region."""
        results: dict[str, HostAnswer | HostAccessError] = {}
        waiting = {host.instance_id: host for host in hosts}
        refused: HostAccessError | None = None
        for _ in range(2):
            try:
                outputs = self._transports[region].execute(
                    order.text,
                    list(waiting),
                    order.times,
                    comment=order.comment,
                    idempotent=order.idempotent,
                    until=order.until,
                )
            except InstanceIdRefused as error:
                refused = error
                results.update(self._why_refused(error, list(waiting.values())))
                waiting = {key: host for key, host in waiting.items() if key not in results}
                if not waiting:
                    return results
            except HostAccessError as error:
                return results | {key: error.for_instance(key) for key in waiting}
            else:
                return results | self._answers(region, outputs, order)
        raise_from = refused or NotManaged("SendCommand: InvalidInstanceId")
        return results | {key: raise_from.for_instance(key) for key in waiting}

    def _why_refused(self, refused: InstanceIdRefused, hosts: Sequence[HostRef]) -> Mapping[str, HostAccessError]:
        try:
            reasons = self._discovery.why_refused(hosts)
        except HostAccessError as error:
            return {host.instance_id: error.for_instance(host.instance_id) for host in hosts}
        if reasons:
            return reasons
        return {
            host.instance_id: NotManaged(
                f"{refused.detail}, although EC2 says running and SSM says Online (a permission?)",
                instance_id=host.instance_id,
                repro=refused.repro,
            )
            for host in hosts
        }

    def _answers(
        self, region: str, outputs: Mapping[str, Output | HostAccessError], order: "_Order"
    ) -> dict[str, HostAnswer | HostAccessError]:
        """Open every envelope, bring home what did not fit, and return the answers."""
        results: dict[str, HostAnswer | HostAccessError] = {}
        opened: dict[str, Opened] = {}
        known: dict[str, Output] = {}
        for key, output in outputs.items():
            if isinstance(output, HostAccessError):
                results[key] = output
                continue
            known[key] = output
            try:
                opened[key] = open_envelope(output.text, order.marker, self._limits)
            except HostAccessError as error:
                results[key] = _placed(error, key, output, region)
        reader = ChunkReader(
            lambda text, ids: self._read_piece(region, text, ids, order),
            lambda: new_marker(self._new_token()),
            self._limits,
        )
        for key, inside in reader.complete(opened).items():
            if isinstance(inside, Enveloped):
                command_id = known[key].command_id
                results[key] = HostAnswer(
                    key, inside.exit_code, inside.stdout, inside.stderr, command_id, inside.seconds
                )
            else:
                results[key] = _placed(inside, key, known[key], region)
        return results

    def _read_piece(
        self, region: str, text: str, instance_ids: Sequence[str], order: "_Order"
    ) -> Mapping[str, Output | HostAccessError]:
        remaining = order.deadline - self._monotonic()
        if remaining <= 0:
            raise OutputTruncated(
                f"the rest of the answer did not come within {order.times.wall_deadline_seconds:.0f} s"
            )
        return self._transports[region].execute(
            text,
            instance_ids,
            CommandTimes(_PIECE_WIRE_SECONDS, _PIECE_WIRE_SECONDS, remaining),
            comment="concierge-e2e rest of an answer",
            # Harmless to repeat: at worst the spool is gone by then, which is an error of its own.
            idempotent=True,
            until=order.until,
        )

    def _echo(self, hosts: Sequence[HostRef], until: Callable[[], None]) -> None:
        """Prove the way there and back: random bytes go out and have to come back reversed."""
        token = bytes.fromhex(self._new_token())
        answers = self.run(
            _ECHO,
            hosts,
            argument=token,
            delivery_seconds=_ECHO_WIRE_SECONDS,
            execution_seconds=_ECHO_WIRE_SECONDS,
            wall_deadline_seconds=self._echo_seconds,
            program_seconds=_ECHO_PROGRAM_SECONDS,
            comment="concierge-e2e echo",
            idempotent=True,
            until=until,
        )
        for host in hosts:
            answer = answers[host.instance_id]
            if isinstance(answer, HostAccessError):
                raise answer
            if answer.exit_code != 0 or answer.stdout != token[::-1]:
                raise OutputCorrupt(
                    "the echo came back changed", instance_id=host.instance_id, command_id=answer.command_id
                )


def _placed(error: HostAccessError, instance_id: str, output: Output, region: str) -> HostAccessError:
    """Return ``error`` with the host, the command and the status that it goes with."""
    command_id = error.facts.command_id or output.command_id
    return type(error)(
        f"{error.detail} ({output.reading})",
        instance_id=instance_id,
        command_id=command_id,
        repro=error.facts.repro or repro_invocation(command_id, instance_id, region),
        cause=error.cause,
    )


def aws_access(
    *,
    slug: str,
    clients: Sequence[AwsClients],
    control_plane_instance_id: Callable[[], str | None],
    poll: PollTimes,
    audit: Audit,
    limits: EnvelopeLimits = DEFAULT_LIMITS,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    randomness: Random | None = None,
) -> AwsAccess:
    """Return the way to the hosts of the tenant ``slug`` in the regions of ``clients``.

    The clients are the caller's to close: runs of one process share them (:class:`e2e.hosts.client_pool.ClientPool`).
    ``audit`` gets one record per command and host.
    """
    transports = {
        one.region: SsmTransport(one, poll, audit, monotonic=monotonic, sleep=sleep, now=now, randomness=randomness)
        for one in clients
    }
    discovery = Discovery(clients, slug, control_plane_instance_id)
    return AwsAccess(transports, clients, discovery, echo_seconds=poll.echo_seconds, limits=limits, monotonic=monotonic)
