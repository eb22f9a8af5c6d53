"""``concierge-e2e faults``: the list of causes, for people and as JSON."""

import json

import click


@click.command(epilog="Example: concierge-e2e faults --json")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def faults(as_json: bool) -> None:
    """List every cause: its class, what it means, and the command to run next."""
    from e2e.verdict.causes import CAUSES

    if as_json:
        rows = [
            {"id": cause.id, "class": cause.cause_class, "meaning": cause.meaning, "next": cause.next_step}
            for cause in CAUSES
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(cause.id) for cause in CAUSES)
    for cause in CAUSES:
        click.echo(f"{cause.id:<{width}}  {cause.cause_class:<8}  {cause.meaning}")
