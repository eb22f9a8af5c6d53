"""What a platform agent (the concierge) reports about its management MCP server: the state before 2026-06-20.

This is the version behind the incident of 2026-06-19: it knows only the binary that images used to carry, so a server
that a plugin wired into the settings file is reported as missing.
"""

import os

from molecule_runtime.container import container_path
from molecule_runtime.delivery_contract import delivery_contract

__all__ = ["identity_gate_payload", "mcp_server_present"]


def mcp_server_present() -> bool:
    """Say whether the retired management MCP binary exists; the settings file is not looked at."""
    return os.path.exists(container_path(delivery_contract().legacy_binary_path))  # noqa: PTH110 - must not raise


def identity_gate_payload() -> dict[str, bool]:
    """Return the fields that register and every heartbeat carry for the platform's identity gate; computed afresh."""
    return {delivery_contract().runtime_present_field: mcp_server_present()}
