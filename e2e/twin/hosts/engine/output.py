"""Standard output and error of the `docker` program."""

import sys


def write_line(text: str) -> None:
    """Print ``text`` and a line end."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Print ``text`` and a line end on standard error, after everything printed so far."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
