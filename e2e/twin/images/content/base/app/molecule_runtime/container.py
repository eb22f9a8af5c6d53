"""Where things are inside the container, also when the container is a plain process.

In a real container ``CONTAINER_ROOT`` is unset and a container path is the path. Where a container is a plain
process, ``CONTAINER_ROOT`` names the folder that stands for ``/``, and paths under the container's own folders are
looked up there.
"""

import os
from collections.abc import Mapping

__all__ = ["container_path", "is_container_path", "real_timeout"]

_FOLDERS = ("/configs", "/app", "/opt", "/workspace", "/home/agent", "/plugins", "/usr/local/bin", "/tmp/agent")  # noqa: S108 - a container path
_REAL_TIMEOUT_FLOOR_SECONDS = 10.0


def is_container_path(text: str) -> bool:
    """Say whether ``text`` is, or lies under, one of the container's own folders."""
    return any(text == folder or text.startswith(folder + "/") for folder in _FOLDERS)


def container_path(path: str, environment: Mapping[str, str] | None = None) -> str:
    """Return where the container's ``path`` really is; anything that is not a container path comes back as it is."""
    root = (os.environ if environment is None else environment).get("CONTAINER_ROOT", "")
    return root + path if root and is_container_path(path) else path


def real_timeout(platform_seconds: float, speed: float) -> float:
    """Return the wall seconds that something real (a process, a request, a handshake) may take, never under ten."""
    return max(platform_seconds / speed, _REAL_TIMEOUT_FLOOR_SECONDS)
