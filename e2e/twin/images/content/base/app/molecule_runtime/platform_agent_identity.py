"""What a platform agent (the concierge) reports about its management MCP server.

Presence is necessary, not sufficient: it says that the server is installed or wired, not that it starts. Privilege is
granted on the platform's side only, so a workspace that reports ``true`` gains nothing by it.
"""

import os

from molecule_runtime.container import container_path
from molecule_runtime.delivery_contract import delivery_contract
from molecule_runtime.settings_file import read_settings

__all__ = ["identity_gate_payload", "mcp_server_present"]


def mcp_server_present() -> bool:
    """Say whether the management MCP server is here: the retired binary exists, or the settings file wires the server.

    The settings file wires it if the contract's server name is a key under the contract's key; the entry's value is not
    judged. Everything degenerate in the file counts as not wired, and no exception escapes.
    """
    contract = delivery_contract()
    if os.path.exists(container_path(contract.legacy_binary_path)):  # noqa: PTH110 - Path.exists raises where this does not
        return True
    settings = read_settings(container_path(contract.settings_path))
    servers = settings.get(contract.key) if settings is not None else None
    return isinstance(servers, dict) and contract.mcp_server_name in servers


def identity_gate_payload() -> dict[str, bool]:
    """Return the fields that register and every heartbeat carry for the platform's identity gate; computed afresh."""
    return {delivery_contract().runtime_present_field: mcp_server_present()}
