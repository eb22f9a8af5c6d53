"""Removes a twin's sandbox when the twin dies without doing it (standard library only).

Run as a process of its own, in a session of its own. Standard input is the lifeline: its end means that the twin is
gone. Then every process that still lives in the sandbox (its environment names the folder) is killed, and the folder is
removed. After an orderly end there is nothing left to do.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from e2e.twin.hosts.processes import kill_all
from e2e.twin.hosts.wrappers import host_side_program

_PATIENCE_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.02
_PROC = Path("/proc")


class Warden:
    """The twin's end of the lifeline."""

    def __init__(self, sandbox: Path) -> None:
        self._process = subprocess.Popen(
            [*host_side_program("e2e.twin.warden"), str(sandbox)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The warden's process id."""
        return self._process.pid

    def dismiss(self) -> None:
        """Let go of the lifeline and wait until the warden has left."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


def inhabitants(sandbox: str) -> list[int]:
    """Return the processes whose start environment names the folder, never ourselves (Linux; elsewhere none)."""
    needle = sandbox.encode()
    found = []
    for entry in _PROC.glob("[0-9]*"):
        pid = int(entry.name)
        try:
            if pid != os.getpid() and needle in (entry / "environ").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


def clear(sandbox: str) -> bool:
    """Kill who lives in the folder, remove it, and say whether that went well."""
    kill_all(lambda: inhabitants(sandbox), within=_PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while Path(sandbox).exists():
        shutil.rmtree(sandbox, ignore_errors=True)
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True


def main(arguments: list[str]) -> None:
    """Wait for the end of the lifeline, then clear the folder ``arguments[0]``."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if arguments[0] and Path(arguments[0]).is_absolute():
        clear(arguments[0])
