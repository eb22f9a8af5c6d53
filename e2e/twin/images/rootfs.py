"""Writes a root file system: an image's content, plus what follows from it.

Added, and deliberately no part of the image's digest: the compiled form of the content's Python files, which a real
image has as well, and the empty folders that every container has. What depends on the machine (``python3``, ``gosu``)
is no image's business at all: the host adds it where a container is a plain process.
"""

import functools
import py_compile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

__all__ = ["ImageFile", "write_rootfs"]

_FOLDERS = ("workspace", "opt", "home/agent", "tmp/agent", "plugins")


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file of an image: container path without the leading slash, permission bits, bytes."""

    path: str
    mode: int
    data: bytes


def write_rootfs(files: Iterable[ImageFile], rootfs: Path) -> None:
    """Write ``files``, their compiled form and the empty folders into the empty folder ``rootfs``.

    Raises:
        OSError: a file cannot be written.
    """
    for name in _FOLDERS:
        (rootfs / name).mkdir(parents=True, exist_ok=True)
    for file in files:
        _write(rootfs / file.path, file.data, file.mode)
        if file.path.endswith(".py"):
            _write(rootfs / cache_from_source(file.path), _compiled(file), 0o644)
    # Whatever the twin's umask is: the agent, who is another user, must get through.
    for folder in (path for path in rootfs.rglob("*") if path.is_dir()):
        folder.chmod(0o755)


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


@functools.cache
def _compiled(file: ImageFile) -> bytes:
    """Return the bytecode of a Python file; valid unconditionally, since nobody edits a running image."""
    with tempfile.TemporaryDirectory(prefix="twin-image-") as folder:
        source, target = Path(folder) / "source.py", Path(folder) / "compiled.pyc"
        source.write_bytes(file.data)
        py_compile.compile(
            str(source),
            cfile=str(target),
            dfile=f"/{file.path}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return target.read_bytes()
