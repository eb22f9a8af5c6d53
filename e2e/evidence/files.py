"""Writes files so that a reader, a crash or a ``kill -9`` never meets half of one."""

import os
from pathlib import Path
from typing import Final

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def write_atomic(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Put ``data`` at ``path``: the old content or the new one is there at any time, never a part.

    With ``durable`` it also survives a power cut once this returns. Raises OSError; the temporary file is then gone.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        try:
            write_all(descriptor, data)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def open_append(path: Path, *, new: bool) -> int:
    """Open ``path`` for appending and return the descriptor; with ``new`` an existing file is refused.

    Raises:
        FileExistsError: ``new`` was asked for and the file is there.
    """
    return os.open(path, _APPEND | (os.O_EXCL if new else 0), 0o644)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``; what this returns from survives the death of the process (not of the machine)."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_append(path: Path, line: bytes) -> None:
    """Append ``line`` and a newline to ``path``; on the disk before this returns."""
    descriptor = open_append(path, new=False)
    try:
        write_all(descriptor, line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Put the names in ``folder`` on the disk: a new or renamed file is only safe once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
