"""``concierge-e2e doctor``: whether a run could begin, before anything is created."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from e2e.cli.output import say

if TYPE_CHECKING:
    from e2e.run.examination import Check

_MARKS = {"ok": "ok", "note": "--", "failed": "NO"}


@click.command(epilog="Example: concierge-e2e doctor --target staging --json")
@click.option("--target", metavar="T", default=None, help="local or staging (default: E2E_TARGET, else local).")
@click.option(
    "--twin",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Examine the way to a running twin: a file with the line of `twin serve --json`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(target: str | None, twin: Path | None, as_json: bool) -> None:
    """Examine credentials, permissions, clock, control plane and environment. Nothing is created.

    Exit codes: 0 a run could begin; 2 configuration; 3 the platform or AWS does not answer.
    """
    from e2e.run.examination import code_of_checks
    from e2e.verdict.classes import CONFIG_WRONG
    from e2e.verdict.environment import ConfigurationError

    try:
        chosen, checks = _examine(target, twin, os.environ)
    except ConfigurationError as error:
        if as_json:
            say(json.dumps({"code": CONFIG_WRONG, "problems": list(error.problems), "checks": []}, indent=2))
        say(str(error), err=True)
        sys.exit(CONFIG_WRONG)
    code = code_of_checks(checks)
    if as_json:
        document = {"target": chosen, "code": code, "checks": [check.document() for check in checks]}
        say(json.dumps(document, indent=2))
    else:
        for check in checks:
            say(f"{_MARKS[check.state]} {check.name}: {check.saying}")
    sys.exit(code)


def _examine(target: str | None, twin: Path | None, environ: Mapping[str, str]) -> "tuple[str, list[Check]]":
    """Return the target and what every check found.

    Raises:
        ConfigurationError: the environment cannot be understood, or lacks what the target needs; all at once.
    """
    from datetime import UTC, datetime

    from e2e.clients.control_plane import ControlPlane
    from e2e.ledger.pointer import state_folder
    from e2e.run import examination
    from e2e.run.existing import AwsPlace, connection_to
    from e2e.scenario.model import LIVE_TARGETS
    from e2e.verdict.environment import ConfigurationError, parse_environment, unknown_target

    environment = parse_environment(environ)
    chosen = target or environment.target or ("staging" if environment.require_live else "local")
    if chosen not in ("local", *LIVE_TARGETS):
        raise ConfigurationError((unknown_target(chosen, "--target"),))
    checks = [examination.examine_state_folder(state_folder(environment.state_dir))]
    if chosen == "local" and twin is None:
        return chosen, [*checks, examination.examine_twin()]
    connection = connection_to(twin, environ)
    if connection.aws_endpoint_url is None:
        checks.append(examination.examine_leftovers(environ))
    checks += examination.examine_control_plane(connection, lambda: datetime.now(UTC))
    control_plane = ControlPlane(connection.control_plane_url, connection.admin_token, timeout=15.0)
    place = AwsPlace(connection, control_plane)
    try:
        checks += examination.examine_aws(connection, place)
    finally:
        place.close()
        control_plane.close()
    return chosen, checks
