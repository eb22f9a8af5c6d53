"""Container paths: what a path inside a container is on the machine, and what a process inside is given.

There is no mount namespace. A *container path* is a path under one of the roots below; it lives under the container's
``rootfs``. Only whole arguments are mapped, never text inside an argument.
"""

# ruff: noqa: PTH110, PTH113
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONTAINER_ROOTS = (
    "/configs",
    "/app",
    "/opt",
    "/workspace",
    "/home/agent",
    "/plugins",
    "/usr/local/bin",
    "/tmp/agent",  # noqa: S108 (a name inside the container's own rootfs)
)
"""Where the content of a container lives, as the container sees it."""

_SEARCH_PATHS = frozenset({"PATH", "PYTHONPATH", "HOME"})
"""Variables that the system or the interpreter itself follows: their elements are mapped for the process."""


def is_container_path(argument: str) -> bool:
    """Tell whether ``argument`` as a whole is a path under one of the container roots."""
    return any(argument == root or argument.startswith(root + "/") for root in CONTAINER_ROOTS)


def on_machine(rootfs: str, argument: str) -> str:
    """Return ``argument`` as the machine knows it: container paths get the ``rootfs`` in front."""
    return rootfs + argument if is_container_path(argument) else argument


def working_directory(rootfs: str, directory: str) -> str:
    """Return where a process starts for the container directory ``directory``; ``/`` is the ``rootfs`` itself."""
    if directory == "/":
        return rootfs
    return on_machine(rootfs, directory)


def mapped_variable(rootfs: str, name: str, value: str) -> str:
    """Return the value that a process gets for the container's variable ``name``.

    Values stay as the container has them; only search paths and the home are mapped, since nobody else would do it.
    """
    if name not in _SEARCH_PATHS:
        return value
    return ":".join(on_machine(rootfs, element) for element in value.split(":"))


def process_environment(rootfs: str, container_id: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of processes in a container: its own variables, plus where the container's root is.

    ``CONTAINER_ROOT`` lets programs prefix container paths; ``CONTAINER_ID`` marks every process of the container.
    """
    result = {"PATH": f"{rootfs}/usr/local/bin:/usr/local/bin:/usr/bin:/bin", "HOSTNAME": container_id[:12]}
    result.update({name: mapped_variable(rootfs, name, value) for name, value in environment.items()})
    result.update({"CONTAINER_ROOT": rootfs, "CONTAINER_ID": container_id})
    return result


def find_program(name: str, search_path: str) -> str:
    """Return the executable that ``name`` stands for, as execvp would find it.

    Raises:
        FileNotFoundError: nothing of that name.
        PermissionError: it is there and cannot be executed.
    """
    candidates = [name] if "/" in name else [f"{folder}/{name}" for folder in search_path.split(":") if folder]
    refused = False
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
        refused = refused or os.path.exists(candidate)
    if refused:
        raise PermissionError(name)
    raise FileNotFoundError(name)
