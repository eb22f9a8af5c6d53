"""The two secrets that the platform hands out at registration, and where they are kept.

``.auth_token`` is the bearer of register and heartbeat; ``.platform_inbound_secret`` lies beside it. Both are files
of mode 0600 without a newline. A token that is rewritten on disk is not noticed until the next start.
"""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Credentials"]


class Credentials:
    """The secrets of this workspace, cached for the life of the process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Look in ``folder`` first and in ``MOLECULE_WORKSPACE_TOKEN`` next."""
        self._folder = folder
        self._auth_token = _read(folder / ".auth_token") or environment.get("MOLECULE_WORKSPACE_TOKEN", "")
        self._inbound_secret = _read(folder / ".platform_inbound_secret")

    def headers(self) -> dict[str, str]:
        """Return the ``Authorization`` header, or nothing while no token is known."""
        return {"Authorization": f"Bearer {self._auth_token}"} if self._auth_token else {}

    def save_auth_token(self, token: str) -> None:
        """Keep the token; raises ``OSError`` if the file cannot be written."""
        self._auth_token = token
        _write(self._folder / ".auth_token", token)

    def save_inbound_secret(self, secret: str) -> bool:
        """Keep the secret and say whether it was new; raises ``OSError`` if the file cannot be written."""
        if secret == self._inbound_secret:
            return False
        _write(self._folder / ".platform_inbound_secret", secret)
        self._inbound_secret = secret
        return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _write(path: Path, secret: str) -> None:
    """Write ``secret`` beside ``path`` and rename it into place, readable by its owner only."""
    beside = path.with_name(path.name + ".tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret)
    beside.replace(path)
