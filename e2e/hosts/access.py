"""Host access as a port: how a machine of the tenant is found and looked into, whatever the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from e2e.hosts.errors import HostAccessError, ProgramFailed

ALIVE_STATES = frozenset({"pending", "running", "stopping", "stopped"})
GONE_STATES = frozenset({"shutting-down", "terminated"})


@dataclass(frozen=True, slots=True)
class HostRef:
    """One machine, and how it was found: ``name-tag``, ``control-plane`` or both; ``region`` where there are some."""

    instance_id: str
    name_tag: str | None
    found_by: tuple[str, ...]
    state: str
    launched_at: str | None
    region: str = ""

    @property
    def is_gone(self) -> bool:
        """Whether the machine is terminated or on its way there."""
        return self.state in GONE_STATES


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What a program printed on a host, intact: length and hash of both streams were checked.

    ``seconds`` is how long the program ran on the host, by the host's own monotonic clock.
    """

    instance_id: str
    exit_code: int
    stdout: bytes
    stderr: bytes
    command_id: str
    seconds: float


def require_success(answer: HostAnswer, *, repro: str | None = None) -> HostAnswer:
    """Return the answer of a program that ended with 0.

    Raises:
        ProgramFailed: it ended with anything else. What it printed is not quoted: it may hold a secret.
    """
    if answer.exit_code != 0:
        detail = (
            f"exit code {answer.exit_code} after {answer.seconds:.1f} s, "
            f"{len(answer.stdout)} bytes of output, {len(answer.stderr)} bytes of errors"
        )
        raise ProgramFailed(detail, instance_id=answer.instance_id, command_id=answer.command_id, repro=repro)
    return answer


class HostAccess(Protocol):
    """A way to the hosts of one tenant. Implementations are safe to use from several threads."""

    @property
    def name(self) -> str:
        """The name of this way in the verdict, e.g. ``aws-ssm``."""

    @property
    def commands_sent(self) -> int:
        """How many commands were sent to hosts so far."""

    def find(self) -> tuple[HostRef, ...]:
        """Return every machine that is known now, without waiting; gone ones carry their state.

        Raises:
            HostAccessError: the question could not be answered.
        """

    def reach(self, until: Callable[[], None]) -> tuple[HostRef, ...]:
        """Climb the readiness ladder once and return the machines that answered an echo intact.

        ``until`` is called between steps and may raise to end the climb (deadline, interrupt).

        Raises:
            HostAccessError: the first broken rung; ``may_get_better`` says whether to ask again.
        """

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
        """Run a Python program on all hosts with one command and return one result per instance id.

        ``argument`` is the program's standard input. ``delivery_seconds`` (at least 30) and ``execution_seconds`` (at
        least 5) go on the wire as they are: platform seconds. ``program_seconds`` is the host's own wall-clock limit
        for the program, best a little under what the execution budget comes to; ``wall_deadline_seconds`` is how long
        we wait at all, by our own clock. Only an ``idempotent`` program is sent again where it is unknown whether the
        first one was accepted.
        """

    def remaining_instances(self) -> tuple[HostRef, ...]:
        """Return every machine with the tenant's slug in its name that is not terminated, to prove absence.

        Raises:
            HostAccessError: the question could not be answered, so absence is not proven.
        """
