"""Writes a root file system: an image's content, plus what only this machine can add.

Added, and deliberately no part of the image's digest:

* ``usr/local/bin/python3`` execs the interpreter that runs the twin, so that ``import mcp`` works in the container;
* ``usr/local/bin/gosu`` runs a command as the agent: as uid 1000 where that is possible, else as the twin's own user;
* the compiled form of the content's Python files, which a real image has as well;
* the empty folders that every container has.
"""

import functools
import os
import py_compile
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

__all__ = ["AGENT_UID", "ImageFile", "agent_uid", "write_rootfs"]

AGENT_UID = 1000
_FOLDERS = ("workspace", "opt", "home/agent", "tmp/agent", "plugins")
_TRIAL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file of an image: container path without the leading slash, permission bits, bytes."""

    path: str
    mode: int
    data: bytes


def write_rootfs(files: Iterable[ImageFile], rootfs: Path) -> None:
    """Write ``files`` and the machine's own additions into the empty folder ``rootfs``.

    Raises:
        OSError: a file cannot be written.
    """
    for folder in _FOLDERS:
        (rootfs / folder).mkdir(parents=True, exist_ok=True)
    for file in files:
        _write(rootfs / file.path, file.data, file.mode)
        if file.path.endswith(".py"):
            _write(rootfs / cache_from_source(file.path), _compiled(file), 0o644)
    programs = rootfs / "usr" / "local" / "bin"
    _write(programs / "python3", _python_wrapper(), 0o755)
    _write(programs / "gosu", _gosu_wrapper(), 0o755)


@functools.cache
def agent_uid() -> int | None:
    """Return the uid that the agent runs as, or ``None`` where it can only be the twin's own user.

    It is 1000 where the twin is root and that uid can really run this interpreter and import the MCP SDK; found out
    once, by trying.
    """
    if os.geteuid() != 0:
        return None
    try:
        trial = subprocess.run(
            [sys.executable, "-c", "import importlib.util as u; raise SystemExit(u.find_spec('mcp') is None)"],
            user=AGENT_UID,
            group=AGENT_UID,
            extra_groups=[],
            env={},
            cwd="/",
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return AGENT_UID if trial.returncode == 0 else None


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def _python_wrapper() -> bytes:
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'.encode()


def _gosu_wrapper() -> bytes:
    """A ``gosu`` that knows the one user there is; it is only ever called as ``gosu agent COMMAND``."""
    uid = agent_uid()
    change = ""
    if uid is not None:
        program = (
            "import os, sys; os.setgroups([]); "
            f"os.setgid({uid}); os.setuid({uid}); os.execvp(sys.argv[1], sys.argv[1:])"
        )
        change = f"{shlex.quote(sys.executable)} -I -S -c {shlex.quote(program)} "
    lines = ("#!/bin/sh", "shift", 'export HOME="$CONTAINER_ROOT/home/agent" USER=agent', f'exec {change}"$@"')
    return "\n".join((*lines, "")).encode()


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
