"""Reads the settings file (``settings.json``) without trusting it: bounded in size and depth, and it never raises."""

import json
import os
import stat

__all__ = ["MAXIMUM_BYTES", "MAXIMUM_DEPTH", "read_settings"]

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 64


def read_settings(path: str) -> dict[str, object] | None:
    """Return the JSON object in ``path``, or ``None`` for everything that is not one.

    ``None`` means: missing, unreadable, not a regular file, larger than 1 MiB, not strict UTF-8, with a byte order
    mark, malformed, not an object, or nested deeper than 64 levels (the outermost object is level 1).
    """
    data = _read_bounded(path)
    if data is None:
        return None
    try:
        document: object = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or _deeper_than(document, MAXIMUM_DEPTH):
        return None
    return document


def _read_bounded(path: str) -> bytes | None:
    """Return the bytes of a regular file of at most 1 MiB; a pipe or a device must never be waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAXIMUM_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data if len(data) <= MAXIMUM_BYTES else None


def _deeper_than(document: object, limit: int) -> bool:
    """Say whether containers are nested more than ``limit`` deep; level by level, so that depth costs no stack."""
    level = [document]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ())
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True
