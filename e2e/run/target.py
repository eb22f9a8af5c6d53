"""Where a run happens: addresses and credentials of the platform, whether it is live, and how it ends."""

import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from e2e.clients.tenant import TenantAddress
from e2e.evidence.masking import Secret
from e2e.verdict.environment import LOOPBACK_HOSTS


class TargetError(Exception):
    """The target cannot be used; the message says what is wrong and what to do."""


class TargetRefusal(TargetError):
    """The run must not begin on this target, such as one that has no fault of that name; ``cause`` is the id why."""

    def __init__(self, message: str, cause: str = "target-refused") -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class AwsAccessKeys:
    """Explicit AWS credentials, as a twin hands them out."""

    access_key_id: str
    secret_access_key: Secret


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything needed to talk to one platform. ``aws_keys`` is None where boto3 finds its own credentials."""

    control_plane_url: str
    admin_token: Secret
    tenants: TenantAddress
    aws_endpoint_url: str | None
    aws_keys: AwsAccessKeys | None
    aws_region: str
    aws_account: str
    speed: float
    image: str | None
    gate: str | None
    process_id: int | None


def connection_of_twin(line: str) -> Connection:
    """Read the line that ``twin serve --json`` prints when it is ready.

    Raises:
        TargetError: it is not that line; the message names the missing key.
    """
    try:
        document: Any = json.loads(line)
    except ValueError as error:
        raise TargetError(f"not the JSON line of `twin serve --json`: {line[:120]!r}") from error
    if not isinstance(document, dict):
        raise TargetError("the line of `twin serve --json` is not a JSON object")
    try:
        connection = Connection(
            control_plane_url=str(document["control_plane_url"]),
            admin_token=Secret(str(document["admin_token"])),
            tenants=TenantAddress(str(document["tenant_url"]), str(document["tenant_domain"])),
            aws_endpoint_url=str(document["aws_endpoint_url"]),
            aws_keys=AwsAccessKeys(str(document["aws_access_key_id"]), Secret(str(document["aws_secret_access_key"]))),
            aws_region=str(document["aws_region"]),
            aws_account=str(document["aws_account"]),
            speed=float(document["speed"]),
            image=str(document["image"]),
            gate=str(document["gate"]),
            process_id=int(document["pid"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TargetError(f"the line of `twin serve --json` lacks or garbles {error}") from error
    if not (math.isfinite(connection.speed) and connection.speed > 0):
        raise TargetError(f"the line of `twin serve --json` has the impossible speed {connection.speed:g}")
    urls = (connection.control_plane_url, connection.tenants.url, connection.aws_endpoint_url or "")
    strangers = [url for url in urls if not on_loopback(url)]
    if strangers:
        raise TargetError(f"a twin is on loopback, and {', '.join(map(repr, strangers))} is not")
    return connection


def on_loopback(url: str) -> bool:
    """Whether ``url`` is plain HTTP to a port of this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS and port is not None
