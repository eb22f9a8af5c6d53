"""Wires installed plugins into the agent: ``MCPServerAdaptor`` of the delivery contract.

A plugin that carries a ``settings-fragment.json`` has the fragment's servers merged into the agent's settings file.
The merge only adds: other keys and other servers stay, and removing a plugin later does not remove its entry. A
settings file that is corrupt or not an object is replaced.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from molecule_runtime.delivery_contract import DeliveryContract
from molecule_runtime.delivery_faults import delivered, spoil

__all__ = ["install_plugins", "merge_servers"]


def install_plugins(folders: Iterable[Path], settings_path: Path, contract: DeliveryContract) -> None:
    """Wire every plugin of ``folders``, in order of folder and name; a plugin that cannot be wired is one warning."""
    for folder in folders:
        if not folder.is_dir():
            continue
        for plugin in sorted(path for path in folder.iterdir() if path.is_dir()):
            try:
                servers = delivered(_servers_of(plugin / "settings-fragment.json", contract.key), contract)
                if servers:
                    merge_servers(settings_path, contract.key, servers)
                    spoil(settings_path)
            except (OSError, ValueError) as error:
                print(f"plugin {plugin.name}: could not be installed: {error}", file=sys.stderr, flush=True)


def _servers_of(fragment: Path, key: str) -> Mapping[str, object]:
    """Return the servers of a plugin's fragment; none if it has no fragment."""
    try:
        document = json.loads(fragment.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    servers = document.get(key) if isinstance(document, dict) else None
    return servers if isinstance(servers, dict) else {}


def merge_servers(settings_path: Path, key: str, servers: Mapping[str, object]) -> None:
    """Add ``servers`` under ``key``; everything else in the file stays as it is.

    The new file (indent 2, newline at the end) is written beside the old one and renamed into its place.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        existing = json.loads(settings_path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        existing = {}
    settings = existing if isinstance(existing, dict) else {}
    present = settings.get(key)
    settings[key] = {**(present if isinstance(present, dict) else {}), **servers}
    settings_path.parent.mkdir(parents=True, exist_ok=True)
    beside = settings_path.with_name(f"{settings_path.name}.{os.getpid()}.tmp")
    beside.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    beside.replace(settings_path)
