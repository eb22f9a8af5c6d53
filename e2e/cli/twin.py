"""``concierge-e2e twin``: the embedded staging in the foreground, to play with by hand."""

import os
import sys

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def twin() -> None:
    """Serve the embedded staging."""


@twin.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    epilog="Example: concierge-e2e twin serve --json --speed 100 --fault mcp-not-delivered",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> None:
    """Become the twin's own process; its options are its own (``twin serve --help``)."""
    from e2e.run.interpreter import python_module

    os.execv(sys.executable, [*python_module("e2e.twin.serve"), *arguments])  # noqa: S606 - no shell is involved
