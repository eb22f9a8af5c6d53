"""Ends what runs on the hosts when the twin dies without saying so (standard library only).

Standard input is the lifeline; each line names an instance and its folder. At its end every process that carries the
mark of such an instance is killed and the folder is removed. The supervisors look after the containers themselves.
"""

# ruff: noqa: PTH112
# Host-side: see records for why there is no pathlib here.

import os
import shutil
import signal
import sys
import time
from functools import partial

from e2e.twin.hosts.processes import kill_all, marked

_PATIENCE_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.01


def main(_arguments: list[str]) -> None:
    """Remember the instances of the fleet until the lifeline ends, then leave nothing of them."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folders: dict[str, str] = {}
    for line in sys.stdin:
        instance_id, _, folder = line.rstrip("\n").partition(" ")
        folders[instance_id] = folder
    for instance_id, folder in folders.items():
        kill_all(partial(marked, f"AWS_SSM_INSTANCE_ID={instance_id}", folder=folder))
        _remove(folder)


def _remove(folder: str) -> None:
    """Remove ``folder``; a supervisor that is just ending may still write into it, so look again."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while os.path.isdir(folder) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_LOOK_AGAIN_SECONDS)
