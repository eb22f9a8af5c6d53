"""``concierge-e2e contract``: the delivery contract against its schema."""

import json
import sys
from pathlib import Path

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def contract() -> None:
    """Check the delivery contract."""


@contract.command(epilog="Example: concierge-e2e contract check")
@click.argument("path", required=False, type=click.Path(path_type=Path, dir_okay=False))
def check(path: Path | None) -> None:
    """Check the contract (or the copy at PATH) against its schema and the code that reads it."""
    import jsonschema

    from e2e.contract import ContractError, contracts_folder, load_contract
    from e2e.verdict.classes import CONFIG_WRONG

    path = path or contracts_folder() / "mcp-plugin-delivery.contract.json"
    schema = json.loads((contracts_folder() / "mcp-plugin-delivery.schema.json").read_text(encoding="utf-8"))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        problems = [
            f"{path}: {'/'.join(str(step) for step in error.absolute_path) or '(top)'}: {error.message}"
            for error in jsonschema.Draft202012Validator(schema).iter_errors(document)
        ]
        if not problems:
            load_contract(path)
    except (OSError, ValueError, ContractError) as error:
        problems = [f"{path}: {error}"]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(CONFIG_WRONG)
    click.echo(f"{path}: contract {document['contract_version']} is in order")
