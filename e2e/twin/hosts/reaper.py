"""Ends what runs on the hosts when the twin dies without saying so (standard library only).

Standard input is the lifeline; each line names an instance and its folder. At its end every process that carries the
mark of such an instance is killed and the folder is removed. The supervisors look after the containers themselves.
"""

import os
import shutil
import signal
import sys

from e2e.twin.hosts.processes import kill_all, marked


def main(_arguments: list[str]) -> None:
    """Remember the instances of the fleet until the lifeline ends, then leave nothing of them."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folders: dict[str, str] = {}
    for line in sys.stdin:
        instance_id, _, folder = line.rstrip("\n").partition(" ")
        folders[instance_id] = folder
    markers = [f"AWS_SSM_INSTANCE_ID={instance_id}" for instance_id in folders]
    if markers:
        kill_all(lambda: marked(*markers))
    for folder in folders.values():
        if os.path.isdir(folder):  # noqa: PTH112 (standard library only, start-up time)
            shutil.rmtree(folder, ignore_errors=True)
