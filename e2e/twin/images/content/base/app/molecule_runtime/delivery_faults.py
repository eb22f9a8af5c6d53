"""What can go wrong between an installed plugin and the agent's settings file (docs/platform.md, plugin delivery)."""

from collections.abc import Mapping
from pathlib import Path

from molecule_runtime.delivery_contract import DeliveryContract
from molecule_runtime.faults import acts, parameters

__all__ = ["delivered", "spoil"]

_WHERE = "plugin adaptor"
_UNLAUNCHABLE: Mapping[int, object] = {
    0: None,
    1: {"env": {"MOLECULE_MCP_MODE": "management"}},
    2: {"command": "molecule-platform-mcp", "env": {"MOLECULE_MCP_MODE": "management"}},
}
"""Entries that start nothing, by the fault's parameter: no value, no command, a command that only older images had."""


def delivered(servers: Mapping[str, object], contract: DeliveryContract) -> Mapping[str, object]:
    """Return what of a plugin's ``servers`` is merged into the settings, and how; nothing if none of it is."""
    if not servers:
        return servers
    if acts("settings-not-merged", _WHERE):
        return {}
    unlaunchable = parameters("settings-entry-not-launchable")
    if unlaunchable is not None and acts("settings-entry-not-launchable", _WHERE):
        entry = _UNLAUNCHABLE[int(unlaunchable["entry"])]
        return dict.fromkeys(servers, entry)
    # The contract of an image that is older than the shared name knows the server by another one; see there.
    if acts("server-name-drift", _WHERE):
        return {contract.mcp_server_name: next(iter(servers.values()))}
    return servers


def spoil(settings_path: Path) -> None:
    """Leave half of the file that was just written, as a write that was interrupted does."""
    if acts("settings-malformed", _WHERE):
        content = settings_path.read_bytes()
        settings_path.write_bytes(content[: len(content) // 2])
