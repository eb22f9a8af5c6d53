"""Faults of EC2, SSM and STS."""

from types import MappingProxyType

from e2e.twin.faults.kinds import FaultKind

DENIABLE = (
    "ssm",
    "ec2",
    "sts",
    "send_command",
    "get_command_invocation",
    "list_command_invocations",
    "list_commands",
    "cancel_command",
    "describe_instance_information",
    "describe_instances",
    "terminate_instances",
    "get_console_output",
    "get_caller_identity",
)
"""What ``aws-access-denied`` can deny, by parameters of these names: whole services, or one operation."""


def _kind(name: str, does: str, **parameters: float) -> FaultKind:
    return FaultKind(name, does, parameters=MappingProxyType(parameters))


FAULTS: tuple[FaultKind, ...] = (
    _kind(
        "ssm-not-managed",
        "SSM never lists the machines and refuses commands for them (machine=N: only the N-th launched)",
        machine=0,
    ),
    _kind("late-ssm-registration", "the SSM agents register this many seconds later than usual", seconds=60),
    _kind(
        "ssm-agent-offline",
        "the agents have lost their connection: PingStatus ConnectionLost, commands end Undeliverable (machine=N)",
        machine=0,
    ),
    _kind("ssm-lag", "the first reads of each command find nothing: InvocationDoesNotExist, empty lists", polls=5),
    _kind("ssm-throttled", "this share of all SSM calls is throttled (ec2=SHARE: of the EC2 calls)", rate=1, ec2=0),
    _kind("ssm-server-errors", "this share of all SSM calls ends with InternalServerError, HTTP 500", rate=1),
    _kind("ssm-slow", "every SSM call takes this many seconds longer", seconds=50),
    _kind(
        "ssm-lost-answer",
        "this share of all SendCommand calls is carried out, and the connection reset before the answer",
        rate=1,
    ),
    _kind("aws-credentials-expired", "every call is refused because the session token has expired"),
    _kind(
        "aws-access-denied",
        "calls lack a permission: those named (a service or operation, such as send_command=1), else all of SSM",
        **dict.fromkeys(DENIABLE, 0.0),
    ),
    _kind("not-a-staging-target", "STS says that the credentials belong to another account"),
    _kind("aws-clock-skew", "the clock of AWS is this many seconds ahead, so that signatures are too old", seconds=600),
    _kind(
        "ssm-undeliverable",
        "commands end Failed/Undeliverable, after the first so many of each machine; executed=1: they run all the same",
        after=0,
        executed=0,
    ),
    _kind(
        "ssm-delivery-timeout",
        "commands are not delivered and end DeliveryTimedOut, after the first so many of each machine",
        after=0,
    ),
    _kind(
        "ssm-execution-timeout",
        "commands hang and end ExecutionTimedOut without output, after the first so many of each machine; stuck=1: the "
        "agent died, they stay InProgress, and Cancelling once they are cancelled",
        after=0,
        stuck=0,
    ),
    _kind(
        "ssm-output-corrupt",
        "the output of commands comes back damaged, after the first so many of each machine: one character is another "
        "one, or it is cut in the middle (cut=1), doubled (doubled=1) or empty (empty=1)",
        after=0,
        cut=0,
        doubled=0,
        empty=0,
    ),
    _kind("ssm-output-noise", "the host prints a banner before and a line after the output of every command"),
    _kind("ssm-duplicate-execution", "the agent runs every command twice and reports the second run"),
    _kind(
        "ssm-unknown-status",
        "commands end with a pair of Status and StatusDetails that nobody documents, after the first so many of each "
        "machine",
        after=0,
    ),
    _kind(
        "instance-terminated",
        "the N-th launched machine is terminated so many seconds after it came up, or (command=N) while it runs its "
        "N-th command",
        machine=2,
        seconds=0,
        command=0,
    ),
)
"""The faults of this area."""
