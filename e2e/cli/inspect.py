"""``concierge-e2e inspect``: one look at a concierge that is there already."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from e2e.cli.output import say

if TYPE_CHECKING:
    from e2e.hosts.access import HostAccess
    from e2e.run.inspection import Inspection

EPILOG = """\b
Examples:
  concierge-e2e inspect --slug e2e-boot-1f2e3d4c-5b6a7988
  concierge-e2e inspect --slug acme --twin twin.json --launch
"""


@click.command(epilog=EPILOG)
@click.option("--slug", default=None, help="The tenant whose concierge to look at.")
@click.option("--instance", "instances", multiple=True, metavar="ID", help="Look only at these machines of one tenant.")
@click.option(
    "--twin",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="A running twin: a file with the line of `twin serve --json`. Without it: staging.",
)
@click.option("--launch", is_flag=True, help="Also start the management server beside the agent and list its tools.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(slug: str | None, instances: tuple[str, ...], twin: Path | None, launch: bool, as_json: bool) -> None:
    """Look once at an existing concierge and say what is wrong with it. Creates nothing.

    Exit codes: 0 online and sound; 1 product; 2 configuration; 3 infrastructure; 5 not everything was seen.
    """
    from e2e.run.inspection import InspectionError
    from e2e.verdict.classes import CONFIG_WRONG
    from e2e.verdict.environment import ConfigurationError

    if (slug is None) == (not instances):
        raise click.UsageError("give either --slug S or --instance ID")
    try:
        inspection, masked = _inspect(slug, instances, twin, launch=launch)
    except ConfigurationError as error:
        say(str(error), err=True)
        sys.exit(CONFIG_WRONG)
    except InspectionError as error:
        if as_json:
            say(json.dumps({"error": str(error), "cause": error.cause, "code": error.code}))
        say(f"{error.cause}: {error}", err=True)
        sys.exit(error.code)
    if as_json:
        say(masked(json.dumps(inspection.document(), indent=2)))
    else:
        for line in _lines(inspection):
            say(masked(line))
    sys.exit(inspection.code)


def _inspect(
    slug: str | None, instances: Sequence[str], twin: Path | None, *, launch: bool
) -> "tuple[Inspection, Any]":
    from e2e.clients.control_plane import ControlPlane
    from e2e.clients.errors import PlatformError
    from e2e.contract import load_contract
    from e2e.evidence.masking import Masker
    from e2e.hosts.errors import HostAccessError
    from e2e.run.existing import AwsPlace, connection_to
    from e2e.run.inspection import InspectionError, inspect_concierge, slug_of_instances
    from e2e.run.safety import require_account
    from e2e.run.target import TargetRefusal

    connection = connection_to(twin, os.environ)
    masker = Masker()
    masker.add(connection.admin_token, "control-plane-admin-token")
    control_plane = ControlPlane(connection.control_plane_url, connection.admin_token, timeout=30.0)
    place = AwsPlace(connection, control_plane)

    def access_for(found: str) -> "HostAccess":
        return place.access(found)

    try:
        require_account(connection.aws_account, place.account)
        found = slug or slug_of_instances(instances, place.names, control_plane.organisations())
        inspection = inspect_concierge(
            connection, control_plane, found, access_for, load_contract(), masker, instance_ids=instances, launch=launch
        )
    except (PlatformError, HostAccessError, TargetRefusal) as error:
        raise InspectionError(error.cause, str(error).splitlines()[0]) from error
    finally:
        control_plane.close()
        place.close()
    return inspection, masker.mask


def _lines(inspection: "Inspection") -> list[str]:
    from e2e.verdict.causes import cause_named

    row, facts = inspection.row, inspection.facts
    settings, registry, launch = facts["settings"], facts["registry"], facts["launch"]
    seen = facts["concierge"]
    lines = [f"{inspection.slug}: concierge {row.name} ({row.id}) is {row.status}"]
    lines += [f"  host:     {host.instance_id} {host.name_tag or ''}" for host in inspection.hosts]
    if seen is not None:
        image = seen["provenance"]["image"]
        lines.append(f"  image:    {image['kind']} {image['digest']}" if image else "  image:    not seen")
    if settings is not None:
        wired = "wired" if settings["entry_present"] else "not wired"
        lines.append(f"  settings: {settings['state']}, {wired}; presence {facts['presence']}")
    if registry is not None:
        lines.append(f"  registry: {len(registry['refusals'])} refusals in {registry['lines']} lines of the log")
    if launch is not None:
        lines.append(f"  launch:   reached {launch['phase']}; tools {', '.join(launch['tools'] or ()) or 'none'}")
    lines += [f"  failed:   {failure}" for failure in inspection.failures]
    lines += [f"  cause:    {cause}: {cause_named(cause).meaning}" for cause in inspection.causes]
    if seen is None:
        lines.append("  not seen: the concierge's container is on none of these machines")
    elif inspection.code and not inspection.causes:
        lines.append("  cause:    not known: no rule fits what was seen")
    return lines
