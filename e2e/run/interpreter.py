"""How processes of ours are started with this very interpreter and this very package."""

import sys
from collections.abc import Sequence
from pathlib import Path

import e2e


def python_module(
    module: str, *, search_path: Sequence[str] = sys.path, safe_path: bool = sys.flags.safe_path
) -> list[str]:
    """Return the beginning of a command line that runs ``module`` as a program.

    What lies in the current folder must not stand in for modules of Python or of ours (``-P``), unless it is the
    current folder that this package comes from: a checkout that is not installed.
    """
    here = Path(e2e.__file__).resolve().parent.parent
    from_checkout = not safe_path and bool(search_path) and Path(search_path[0]).resolve() == here
    return [sys.executable, *([] if from_checkout else ["-P"]), "-m", module]
