"""What can go wrong on the way to a host, one type each.

A harness or cloud fault must never be read as a fault of the product, so every failure here carries the id of its
cause (docs/platform.md, causes), what it happened to, and a command to repeat the observation by hand. None of
them carries output of the host: what a host prints may hold a secret.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """The data of one failure: what happened, to what, and how to look at it again."""

    cause: str
    instance_id: str | None
    command_id: str | None
    detail: str
    repro: str | None


class HostAccessError(Exception):
    """Root of everything that keeps the harness from an answer of a host.

    ``cause`` is the id in the list of causes; ``may_get_better`` says whether asking again later can help, which is
    what a waiting stage has to know; ``ambiguous`` says that a command may have run although no answer came.
    """

    default_cause = "no-rule-matched"
    headline = "the host could not be looked into"
    may_get_better = False
    ambiguous = False

    def __init__(
        self,
        detail: str,
        *,
        instance_id: str | None = None,
        command_id: str | None = None,
        repro: str | None = None,
        cause: str | None = None,
    ) -> None:
        self.facts = AccessFacts(cause or self.default_cause, instance_id, command_id, detail, repro)
        super().__init__(self._text())

    def _text(self) -> str:
        where = f" [{self.facts.instance_id}]" if self.facts.instance_id else ""
        first = f"{self.facts.cause}: {self.headline}{where}: {self.facts.detail}"
        lines = [" ".join(first.split())]
        if self.facts.command_id:
            lines.append(f"  command: {self.facts.command_id}")
        if self.facts.repro:
            lines.append(f"  look again: {self.facts.repro}")
        return "\n".join(lines)

    def for_instance(self, instance_id: str) -> "HostAccessError":
        """Return the same failure, told of ``instance_id``."""
        facts = self.facts
        return type(self)(
            facts.detail,
            instance_id=instance_id,
            command_id=facts.command_id,
            repro=facts.repro,
            cause=facts.cause,
        )

    @property
    def cause(self) -> str:
        """The id of the cause, e.g. ``ssm-not-managed``."""
        return self.facts.cause

    @property
    def instance_id(self) -> str | None:
        """The machine that was meant, if it was one."""
        return self.facts.instance_id

    @property
    def command_id(self) -> str | None:
        """The SSM command that was under way, if there was one."""
        return self.facts.command_id

    @property
    def detail(self) -> str:
        """What was seen, in one line."""
        return self.facts.detail

    @property
    def repro(self) -> str | None:
        """A command line that repeats the observation."""
        return self.facts.repro


# --- Rungs of the readiness ladder: not yet, ask again ---------------------------------------------------------


class HostNotFound(HostAccessError):
    """No machine of the tenant is known yet; a missing tag is "not seen", never proof of absence."""

    default_cause = "proof-missing"
    headline = "no host of the tenant was found"
    may_get_better = True


class HostNotRunning(HostAccessError):
    """EC2 lists the machine, but it does not run yet."""

    default_cause = "provisioning-timeout"
    headline = "the machine does not run yet"
    may_get_better = True


class NotManaged(HostAccessError):
    """SSM does not list the machine: the agent has not registered, or its role is missing."""

    default_cause = "ssm-not-managed"
    headline = "SSM does not manage the machine"
    may_get_better = True


class InstanceIdRefused(HostAccessError):
    """SendCommand refused an instance id, which can mean four things: climb the readiness ladder to learn which.

    (No permission, agent not running, not registered, invalid state: AWS, SendCommand, InvalidInstanceId.)
    """

    default_cause = "ssm-not-managed"
    headline = "SSM refused an instance id"
    may_get_better = True


class AgentOffline(HostAccessError):
    """SSM lists the machine, but its agent is not ``Online``."""

    default_cause = "ssm-agent-offline"
    headline = "the SSM agent is not online"
    may_get_better = True


# --- Final --------------------------------------------------------------------------------------------------------


class InstanceTerminated(HostAccessError):
    """The machine is gone for good."""

    default_cause = "instance-terminated"
    headline = "the machine is terminated"


class InstanceGone(InstanceTerminated):
    """The machine is gone and nothing of the same name replaced it so far; the platform may still do so."""

    headline = "the machine is gone and was not replaced"
    may_get_better = True


class AccessDenied(HostAccessError):
    """The credentials are good, the permission is missing."""

    default_cause = "aws-access-denied"
    headline = "AWS refused the call"


class CredentialsExpired(HostAccessError):
    """The session token ran out."""

    default_cause = "aws-credentials-expired"
    headline = "the AWS credentials have expired"


class CredentialsRefused(HostAccessError):
    """AWS does not know the key, or the signature does not match it."""

    default_cause = "aws-access-denied"
    headline = "AWS did not accept the credentials"


class CredentialsMissing(HostAccessError):
    """No credentials were found where boto3 looks for them."""

    default_cause = "aws-credentials-missing"
    headline = "no AWS credentials were found"


class EndpointRefused(HostAccessError):
    """A request was about to leave for a place it must not go to, such as a twin during a live run."""

    default_cause = "not-a-staging-target"
    headline = "a request to a foreign endpoint was stopped"


# --- A command that gave no usable answer -------------------------------------------------------------------------


class Throttled(HostAccessError):
    """AWS kept answering that the rate was exceeded."""

    default_cause = "ssm-throttled"
    headline = "AWS throttled the calls"
    may_get_better = True


class EndpointUnreachable(HostAccessError):
    """AWS could not be reached, or answered with server errors only."""

    default_cause = "ssm-undeliverable"
    headline = "AWS gave no answer"
    may_get_better = True


class DeliveryTimedOut(HostAccessError):
    """The command never started within its delivery budget."""

    default_cause = "ssm-delivery-timeout"
    headline = "the command was not delivered in time"
    may_get_better = True


class ExecutionTimedOut(HostAccessError):
    """The command started and did not end within its execution budget."""

    default_cause = "ssm-execution-timeout"
    headline = "the command did not end in time"
    may_get_better = True
    ambiguous = True


class Undeliverable(HostAccessError):
    """SSM gave up on delivery. Not a proof that the command did not run (a public incident had it running)."""

    default_cause = "ssm-undeliverable"
    headline = "SSM could not deliver the command"
    may_get_better = True
    ambiguous = True


class SendUnconfirmed(HostAccessError):
    """The answer to SendCommand was lost and no command with our nonce is listed: it may or may not run."""

    default_cause = "ssm-undeliverable"
    headline = "it is unknown whether the command was accepted"
    may_get_better = True
    ambiguous = True


class Cancelled(HostAccessError):
    """The command was cancelled, and not by us."""

    headline = "the command was cancelled from elsewhere"
    ambiguous = True


class CommandKilled(HostAccessError):
    """The outer shell ended with an error or was killed, so the envelope did not come."""

    default_cause = "ssm-output-corrupt"
    headline = "the command was killed on the host"
    may_get_better = True
    ambiguous = True


class StatusUnknown(HostAccessError):
    """A status that no rule knows. Unknown is never success."""

    headline = "SSM reported a status that is not understood"
    ambiguous = True


class OutputCorrupt(HostAccessError):
    """The envelope is missing, doubled, damaged or lies about itself."""

    default_cause = "ssm-output-corrupt"
    headline = "the answer did not come back intact"
    may_get_better = True
    ambiguous = True


class OutputTruncated(OutputCorrupt):
    """The answer was cut, by SSM (24,000 bytes) or because the host had to hold it back."""

    headline = "the answer was cut"


class ProgramFailed(HostAccessError):
    """The program on the host crashed: its answer came back intact and says so."""

    default_cause = "probe-crashed"
    headline = "the program on the host crashed"
    ambiguous = True


def repro_invocation(command_id: str, instance_id: str, region: str) -> str:
    """Return the command line that shows one invocation again."""
    return aws_command(
        ("ssm", "get-command-invocation", "--command-id", command_id, "--instance-id", instance_id), region
    )


def aws_command(words: Sequence[str], region: str) -> str:
    """Return an ``aws`` command line to copy and paste."""
    return shlex.join(["aws", *words, "--region", region])
