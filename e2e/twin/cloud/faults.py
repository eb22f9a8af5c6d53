"""Where a misbehaving cloud comes in: one object that is asked wherever something can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from e2e.twin.cloud.commands import Budgets, Command, Invocation
from e2e.twin.cloud.fleet import Fleet, InstanceView

ONLINE = "Online"
CONNECTION_LOST = "ConnectionLost"


@dataclass(frozen=True)
class CloudCall:
    """One authenticated, well-formed request."""

    service: str
    """``ec2``, ``ssm`` or ``sts``."""
    operation: str
    request: Mapping[str, Any]


class AnswerLostError(Exception):
    """The call was carried out and its answer never arrives: the connection is reset."""


class CloudFaults(Protocol):
    """Decides whether the cloud behaves."""

    def start(self, fleet: Fleet) -> None:
        """Begin to watch the machines."""

    def stop(self) -> None:
        """End whatever was begun; waits inside other methods end at once."""

    def clock_skew(self) -> timedelta:
        """Return how far the clock of AWS is ahead of the true time."""

    def before(self, call: CloudCall) -> None:
        """Look at ``call`` before it is carried out; may take its time.

        Raises:
            AwsError: the answer is this error, and nothing is carried out.
        """

    def after(self, call: CloudCall, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a call that was carried out.

        Raises:
            AnswerLostError: the answer does not arrive.
        """

    def ping_status(self, view: InstanceView) -> str | None:
        """Return what SSM says of the agent of one machine, or None where SSM does not list it."""

    def invocation(self, command: Command, instance_id: str, budgets: Budgets) -> Invocation:
        """Return the invocation of ``command`` on one machine, with whatever is to become of it."""


class NoFaults:
    """The cloud behaves."""

    def start(self, fleet: Fleet) -> None:
        """Watch nothing."""

    def stop(self) -> None:
        """Nothing was begun."""

    def clock_skew(self) -> timedelta:
        """Return that the clock is right."""
        return timedelta()

    def before(self, call: CloudCall) -> None:
        """Let every call through."""

    def after(self, call: CloudCall, answer: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 (the protocol's signature)
        """Return the answer as it is."""
        return answer

    def ping_status(self, view: InstanceView) -> str | None:
        """Return that the agent of a registered machine is online."""
        return None if view.registered_at is None else ONLINE

    def invocation(self, command: Command, instance_id: str, budgets: Budgets) -> Invocation:
        """Return an invocation that ends as its script does."""
        return Invocation(command, instance_id, budgets)
