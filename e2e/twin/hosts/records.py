"""The two files that describe a container on disk: what `docker inspect` prints, and what only the twin knows."""

import json
import os
import time
from pathlib import Path
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


def read_record(path: Path) -> dict[str, Any]:
    """Return the JSON object in ``path``.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a JSON object.
    """
    record = json.loads(path.read_bytes())
    if not isinstance(record, dict):
        raise ValueError(f"{path} holds no object")  # noqa: TRY004 (a damaged file, not a wrong call)
    return record


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Replace ``path`` by ``record`` in one step, readable by the twin's own user alone (it holds secrets)."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(record, stream)
    draft.replace(path)


def timestamp(nanoseconds: int | None = None) -> str:
    """Return a time (nanoseconds since 1970, default now) as the engine prints it: nine digits, UTC."""
    seconds, fraction = divmod(time.time_ns() if nanoseconds is None else nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}Z"
