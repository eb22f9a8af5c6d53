"""Where a misbehaving cloud comes in: one object, asked before every operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class CloudCall:
    """One authenticated, well-formed request."""

    service: str
    """``ec2``, ``ssm`` or ``sts``."""
    operation: str
    request: Mapping[str, Any]


class CloudFaults(Protocol):
    """Decides, call by call, whether the cloud behaves."""

    def before(self, call: CloudCall) -> None:
        """Look at ``call`` before it is carried out.

        Raises:
            AwsError: the answer is this error, and nothing is carried out.
        """


class NoFaults:
    """The cloud behaves."""

    def before(self, call: CloudCall) -> None:
        """Let every call through."""
