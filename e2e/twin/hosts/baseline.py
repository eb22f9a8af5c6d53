"""What a rootfs looks like at one moment, so that `docker diff` can say what changed since."""

# ruff: noqa: PTH123
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import json
import os
import stat

Look = dict[str, tuple[int, int, int]]
"""Container path to mode, size (0 for folders) and time of change in nanoseconds."""


def look(rootfs: str) -> Look:
    """Return every entry under ``rootfs``; symbolic links (the bound configs) are entries, not followed."""
    entries: Look = {}
    prefix = len(rootfs)

    def visit(folder: str) -> None:
        with os.scandir(folder) as listing:
            for entry in listing:
                status = entry.stat(follow_symlinks=False)
                size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
                entries[entry.path[prefix:]] = (status.st_mode, size, status.st_mtime_ns)
                if stat.S_ISDIR(status.st_mode):
                    visit(entry.path)

    visit(rootfs)
    return entries


def take_baseline(rootfs: str, destination: str) -> None:
    """Save a look at ``rootfs`` in ``destination``."""
    with open(destination, "w", encoding="utf-8") as stream:
        json.dump(look(rootfs), stream)


def changes(rootfs: str, baseline: str) -> list[tuple[str, str]]:
    """Return what changed since the baseline: ``A`` added, ``C`` changed, ``D`` deleted, and the container path."""
    with open(baseline, encoding="utf-8") as stream:
        before: Look = {path: (entry[0], entry[1], entry[2]) for path, entry in json.load(stream).items()}
    now = look(rootfs)
    found = [("A", path) for path in now if path not in before]
    found += [("C", path) for path, entry in now.items() if path in before and before[path] != entry]
    found += [("D", path) for path in before if path not in now]
    return sorted(found, key=lambda change: change[1])
