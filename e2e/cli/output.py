"""What commands print; whoever stops reading changes nothing of what they return."""

import os
import sys

import click


def say(text: str, *, err: bool = False) -> None:
    """Print one line. A reader that is gone is no error: the exit code must say what the command found."""
    try:
        click.echo(text, err=err)
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would turn the exit code into 120.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, (sys.stderr if err else sys.stdout).fileno())
        os.close(devnull)
