"""``concierge-e2e run`` whose pytest process also gets the arguments of a hole; what it believes is not touched."""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from e2e.cli import pytest_process
from e2e.cli.main import main

_ordinary = pytest_process.pytest_arguments
_added: list[str] = json.loads(os.environ.pop("HOLE_ARGUMENTS"))


def _with_the_hole(
    files: Sequence[Path], options: Sequence[tuple[str, object]], switches: Sequence[str], folder: Path
) -> list[str]:
    arguments = [word for word in _ordinary(files, options, switches, folder) if word != "--noconftest"]
    return ["-p", "stand_in_boots", *arguments, *_added]


pytest_process.pytest_arguments = _with_the_hole
sys.argv[0] = "concierge-e2e"
importlib.import_module("stand_in_boots")  # the platform of the session that `run` itself opens
main()
