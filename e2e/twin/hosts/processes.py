"""Find and end processes by descent and by a marker in their environment (Linux /proc, standard library only).

A process group is not enough: a child that called ``setsid`` survives its group. Descent catches every child of a
supervisor, the marker catches what was started beside it (``docker exec``, a daemonised command). Where there is no
/proc (macOS) both find nothing and only process groups are ended.
"""

# ruff: noqa: PTH123, PTH208
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LOOK_AGAIN_SECONDS = 0.002


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def descendants(root: int) -> list[int]:
    """Return the living (not zombie) descendants of process ``root``, nearest first."""
    children: dict[int, list[int]] = {}
    zombies: set[int] = set()
    for pid in _pids():
        state, _, rest = _read(f"/proc/{pid}/stat").rpartition(b")")[2].strip().partition(b" ")
        if not rest:
            continue
        if state in {b"Z", b"X"}:
            zombies.add(pid)
        children.setdefault(int(rest.split(b" ", 1)[0]), []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        offspring = children.get(queue.pop(0), [])
        queue.extend(offspring)
        found.extend(pid for pid in offspring if pid not in zombies)
    return found


def marked(marker: str, *, folder: str) -> list[int]:
    """Return the processes whose start environment holds ``marker`` (``NAME=value``) and ``folder``, never ourselves.

    Ids come from a seed, so twins that run side by side have equal ones: only the folder of the machine, which every
    process on it has in its search path or as its container's root, says whose a process is.
    """
    wanted, inside, own = marker.encode(), folder.encode(), os.getpid()
    found = []
    for pid in _pids():
        if pid != own:
            environment = _read(f"/proc/{pid}/environ")
            if inside in environment and wanted in environment.split(b"\0"):
                found.append(pid)
    return found


def kill_all(find: Callable[[], Iterable[int]], *, within: float = 5.0) -> bool:
    """SIGKILL what ``find`` returns, and look again until it returns nothing; a process may fork meanwhile.

    ``within`` is wall seconds. Returns whether nothing is left.
    """
    deadline = time.monotonic() + within
    while True:
        pids = list(find())
        if not pids:
            return True
        if time.monotonic() > deadline:
            return False
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_AGAIN_SECONDS)
