"""The two files that describe a container on disk: what `docker inspect` prints, and what only the twin knows.

Like everything that runs on the hosts' side this starts anew for each look, so it does without the slow parts of the
standard library (``pathlib``, ``dataclasses``, ``typing``: 25 ms together).
"""

# ruff: noqa: PTH105, PTH123
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INSPECT = "inspect.json"
"""The object that `docker inspect` prints for this container."""
RUNTIME = "runtime.json"
"""Private: rootfs, users, process environment, command, and the pid of the main process."""
LOG = "log"
"""One line per line of output: time stamp, ``o`` or ``e``, text."""
BASELINE = "baseline.json"
"""What the rootfs looked like before the container was started, for `docker diff`."""
NEVER = "0001-01-01T00:00:00Z"
"""How the engine writes a time that has not come."""


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the JSON object in ``path``.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a JSON object.
    """
    with open(path, "rb") as stream:
        record = json.loads(stream.read())
    if not isinstance(record, dict):
        raise ValueError(f"{path} holds no object")  # noqa: TRY004 (a damaged file, not a wrong call)
    return record


def write_record(path: str | os.PathLike[str], record: dict[str, Any]) -> None:
    """Replace ``path`` by ``record`` in one step, readable by the twin's own user alone (it holds secrets)."""
    draft = f"{os.fspath(path)}.{os.getpid()}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(record, stream)
    os.replace(draft, path)


def timestamp(nanoseconds: int | None = None) -> str:
    """Return a time (nanoseconds since 1970, default now) as the engine prints it: nine digits, UTC."""
    seconds, fraction = divmod(time.time_ns() if nanoseconds is None else nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}Z"


def seconds_of(stamp: str) -> int:
    """Return the seconds since 1970 of a UTC time ``YYYY-MM-DDTHH:MM:SS…``; what follows is not looked at.

    Raises:
        ValueError: it is no date.
    """
    year, month, day = (int(part) for part in stamp[:10].split("-"))
    hour, minute, second = (int(part) for part in stamp[11:19].split(":"))
    # Days of the civil calendar, counted from March so that the leap day comes last; datetime costs 5 ms to import.
    year -= month <= 2
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 719_469
    return ((days * 24 + hour) * 60 + minute) * 60 + second
