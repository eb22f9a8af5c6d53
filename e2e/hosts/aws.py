"""Host access over AWS: found in EC2, looked into over SSM, answers in an envelope."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random

from e2e.hosts.access import HostAnswer, HostRef
from e2e.hosts.audit import Audit
from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.aws_errors import aws_failures, translate
from e2e.hosts.command import CommandTimes, Output
from e2e.hosts.discovery import Discovery
from e2e.hosts.envelope import DEFAULT_LIMITS, EnvelopeLimits, new_marker, unwrap, wrap
from e2e.hosts.errors import (
    HostAccessError,
    InstanceIdRefused,
    NotManaged,
    OutputCorrupt,
    aws_command,
    repro_invocation,
)
from e2e.hosts.polling import PollTimes
from e2e.hosts.ssm import SsmTransport

_ECHO = b"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])\n"
_ECHO_WIRE_SECONDS = 30
_ECHO_PROGRAM_SECONDS = 9.0


class AwsAccess:
    """The hosts of one tenant by EC2 and SSM; an implementation of :class:`e2e.hosts.access.HostAccess`."""

    name = "aws-ssm"

    def __init__(
        self,
        clients: AwsClients,
        discovery: Discovery,
        transport: SsmTransport,
        *,
        echo_seconds: float,
        limits: EnvelopeLimits = DEFAULT_LIMITS,
        new_token: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._clients = clients
        self._discovery = discovery
        self._transport = transport
        self._echo_seconds = echo_seconds
        self._limits = limits
        self._new_token = new_token
        self._proven: frozenset[str] = frozenset()

    @property
    def commands_sent(self) -> int:
        """How many SendCommand calls went out, the ambiguous ones included."""
        return self._transport.commands_sent

    def warm(self) -> None:
        """Make the AWS clients now; for a thread while something else is waited for."""
        self._clients.warm()

    def close(self) -> None:
        """Close the connections; other accesses that share the clients lose them as well."""
        self._clients.close()

    def account(self) -> str:
        """Return the id of the AWS account that the credentials belong to.

        Raises:
            HostAccessError: STS could not be asked.
        """
        try:
            return self._clients.sts().get_caller_identity()["Account"]
        except aws_failures() as error:
            repro = aws_command(("sts", "get-caller-identity"), self._clients.region)
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
        command alone (a refused command ran nowhere).

        Raises:
            ValueError: a budget under what SSM takes, or no host at all.
            ProgramTooLargeError: the program does not fit into one command.
        """
        times = CommandTimes(round(delivery_seconds), round(execution_seconds), wall_deadline_seconds)
        marker = new_marker(self._new_token())
        limit = program_seconds if program_seconds is not None else max(1.0, execution_seconds - 5.0)
        text = wrap(program, argument, marker, program_seconds=limit, limits=self._limits)
        results: dict[str, HostAnswer | HostAccessError] = {}
        waiting = {host.instance_id: host for host in hosts}
        refused: HostAccessError | None = None
        for _ in range(2):
            try:
                outputs = self._transport.execute(
                    text, list(waiting), times, comment=comment, idempotent=idempotent, until=until
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
                return results | {key: self._answer(key, outputs[key], marker) for key in waiting}
        if refused is None:
            raise ValueError("no host was given")
        return results | {key: refused.for_instance(key) for key in waiting}

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

    def _answer(self, instance_id: str, output: Output | HostAccessError, marker: str) -> HostAnswer | HostAccessError:
        if isinstance(output, HostAccessError):
            return output
        try:
            inside = unwrap(output.text, marker, self._limits)
        except HostAccessError as error:
            return type(error)(
                f"{error.detail} ({output.reading})",
                instance_id=instance_id,
                command_id=output.command_id,
                repro=repro_invocation(output.command_id, instance_id, self._clients.region),
            )
        return HostAnswer(
            instance_id, inside.exit_code, inside.stdout, inside.stderr, output.command_id, inside.seconds
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


def aws_access(
    *,
    slug: str,
    region: str,
    endpoint_url: str | None,
    credentials: AwsCredentials | None,
    control_plane_instance_id: Callable[[], str | None],
    poll: PollTimes,
    audit: Audit,
    clients: AwsClients | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    randomness: Random | None = None,
) -> AwsAccess:
    """Return the way to the hosts of the tenant ``slug``.

    Several runs of one process share one ``clients``; without it the access makes its own. ``audit`` gets one record
    per command and host.

    Raises:
        EndpointRefused: an endpoint of our own without credentials of its own.
    """
    shared = clients or AwsClients(region=region, endpoint_url=endpoint_url, credentials=credentials, poll=poll)
    transport = SsmTransport(shared, poll, audit, monotonic=monotonic, sleep=sleep, now=now, randomness=randomness)
    discovery = Discovery(shared, slug, control_plane_instance_id)
    return AwsAccess(shared, discovery, transport, echo_seconds=poll.echo_seconds)
