"""Looks at everything that a run needs before anything is created: each check says what it found and what it means."""

import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, Literal

from e2e.clients.control_plane import ControlPlane
from e2e.clients.errors import PlatformError
from e2e.clients.http import Exchange
from e2e.hosts.aws_errors import aws_failures, error_code, translate
from e2e.hosts.errors import HostAccessError
from e2e.run.existing import AwsPlace
from e2e.run.live_target import leftover_endpoints
from e2e.run.naming import is_slug_of_ours
from e2e.run.target import Connection
from e2e.verdict.causes import cause_named
from e2e.verdict.classes import CONFIG_WRONG, code_of, first_code

CheckState = Literal["ok", "note", "failed"]
SKEW_SECONDS: Final = 60.0
"""How far the clock may be off; AWS refuses signatures that are five minutes off, and tokens expire by it."""
_NOWHERE: Final = "i-00000000000000000"
_NO_COMMAND: Final = "00000000-0000-4000-8000-000000000000"
_TWIN_PACKAGES: Final = ("mcp", "starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Where it failed, the class of its ``cause`` decides the exit code; without one it is a matter of configuration.
    """

    name: str
    state: CheckState
    saying: str
    cause: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the check as JSON holds it."""
        return {"name": self.name, "state": self.state, "saying": self.saying, "cause": self.cause}


def code_of_checks(checks: list[Check]) -> int:
    """Return the exit code: that of the failed checks' classes, 0 without any."""
    failed = [check for check in checks if check.state == "failed"]
    codes = [code_of(cause_named(check.cause).cause_class) if check.cause else CONFIG_WRONG for check in failed]
    return first_code(codes)


def examine_state_folder(folder: Path) -> Check:
    """Say whether ledgers can be kept in the user's state folder, and whether runs left open ones there."""
    place = folder
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("state folder", "failed", f"{place} cannot be written; set E2E_STATE_DIR")
    left = sorted(entry.stem for entry in folder.glob("*.json")) if folder.is_dir() else []
    if left:
        return Check("state folder", "note", f"{folder}: {len(left)} runs have open ledgers: {', '.join(left[:5])}")
    return Check("state folder", "ok", f"{folder}: no run left anything open")


def examine_twin() -> Check:
    """Say whether the embedded staging can be started here."""
    missing = [name for name in _TWIN_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        saying = f"{', '.join(missing)} cannot be imported; install concierge-e2e[twin]"
        return Check("embedded staging", "failed", saying)
    return Check("embedded staging", "ok", "everything that the twin runs on is installed")


def examine_leftovers(environ: Mapping[str, str]) -> Check:
    """Say whether the environment would send AWS calls elsewhere, or has credentials that hide each other."""
    leftovers = leftover_endpoints(environ)
    if leftovers:
        return Check("environment", "failed", "; ".join(leftovers))
    if environ.get("AWS_PROFILE") and environ.get("AWS_ACCESS_KEY_ID"):
        return Check("environment", "note", "AWS_PROFILE and AWS_ACCESS_KEY_ID are both set; the profile wins in boto3")
    return Check("environment", "ok", "nothing leads AWS calls elsewhere")


def examine_control_plane(connection: Connection, now: Callable[[], datetime]) -> list[Check]:
    """Ask the control plane for its health, its clock, and with the token for the tenants of ours that are alive."""
    control_plane = ControlPlane(connection.control_plane_url, connection.admin_token, timeout=15.0)
    anonymous = Exchange(
        connection.control_plane_url,
        headers={},
        timeout=15.0,
        unavailable="control-plane-unavailable",
        refused="control-plane-unauthorized",
    )
    checks: list[Check] = []
    try:
        answer = anonymous.send("GET", "/health")
        anonymous.require_success(answer, "GET /health")
        checks.append(Check("control plane", "ok", f"{connection.control_plane_url} is healthy"))
        checks.append(_clock("clock", answer.headers, now()))
        alive = [row.slug for row in control_plane.organisations() if row.status != "purged"]
        ours = [slug for slug in alive if is_slug_of_ours(slug)]
        listed = f": {', '.join(ours)}" if ours else ""
        checks.append(Check("admin token", "ok", f"accepted; {len(ours)} tenants of ours are alive{listed}"))
    except PlatformError as error:
        name = "admin token" if checks else "control plane"
        checks.append(Check(name, "failed", str(error), error.cause))
    finally:
        anonymous.close()
        control_plane.close()
    return checks


def credentials_source(connection: Connection) -> str:
    """Return where the credentials come from: boto3's own name for the source that won."""
    if connection.aws_keys is not None:
        return "the environment of a rehearsal"
    import botocore.session

    found = botocore.session.get_session().get_credentials()
    return str(found.method) if found is not None else "nowhere"


def examine_aws(connection: Connection, place: AwsPlace) -> list[Check]:
    """Ask STS who we are, and try each permission of a run with a call that changes nothing."""
    source = credentials_source(connection)
    try:
        account = place.account()
    except HostAccessError as error:
        return [Check("AWS credentials", "failed", f"from {source}: {_line(error)}", error.cause)]
    checks = [Check("AWS credentials", "ok", f"from {source}")]
    if account != connection.aws_account:
        saying = f"the credentials belong to {account}, and E2E_AWS_ACCOUNT allows only {connection.aws_account}"
        return [*checks, Check("AWS account", "failed", saying, "not-a-staging-target")]
    checks.append(Check("AWS account", "ok", f"{account}, as allowed, in {connection.aws_region}"))
    return checks + [_permission(name, call, expected) for name, call, expected in _permissions(place)]


def _permissions(place: AwsPlace) -> list[tuple[str, Callable[[], object], frozenset[str]]]:
    """Return each permission with a harmless call and the errors that only an allowed caller gets."""
    ec2, ssm, sender = place.clients.ec2, place.clients.ssm, place.clients.ssm_sender
    none: frozenset[str] = frozenset()
    return [
        ("ec2:DescribeInstances", lambda: ec2().describe_instances(MaxResults=5), none),
        ("ssm:DescribeInstanceInformation", lambda: ssm().describe_instance_information(MaxResults=5), none),
        ("ssm:ListCommands", lambda: ssm().list_commands(MaxResults=1), none),
        (
            "ssm:SendCommand",
            lambda: sender().send_command(
                DocumentName="AWS-RunShellScript", InstanceIds=[_NOWHERE], Parameters={"commands": ["true"]}
            ),
            frozenset({"InvalidInstanceId"}),
        ),
        (
            "ssm:GetCommandInvocation",
            lambda: ssm().get_command_invocation(CommandId=_NO_COMMAND, InstanceId=_NOWHERE),
            frozenset({"InvocationDoesNotExist", "InvalidCommandId", "InvalidInstanceId"}),
        ),
        (
            "ssm:CancelCommand",
            lambda: ssm().cancel_command(CommandId=_NO_COMMAND),
            frozenset({"InvalidCommandId"}),
        ),
    ]


def _permission(name: str, call: Callable[[], object], expected: frozenset[str]) -> Check:
    try:
        call()
    except aws_failures() as error:
        if error_code(error) in expected:
            return Check(name, "ok", f"allowed ({error_code(error)}, as it must for what is not there)")
        told = translate(error, what=name)
        known = cause_named(told.cause).cause_class != "UNKNOWN"
        return Check(name, "failed", _line(told), told.cause if known else None)
    return Check(name, "ok", "allowed")


def _clock(name: str, headers: Mapping[str, str], now: datetime) -> Check:
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return Check(name, "note", "the control plane does not say what time it is")
    skew = (now - theirs).total_seconds()
    if abs(skew) > SKEW_SECONDS:
        saying = f"this clock is {skew:+.0f} s off the control plane's; set it, or AWS will refuse what we sign"
        return Check(name, "failed", saying)
    return Check(name, "ok", f"{skew:+.0f} s off the control plane's")


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]
