"""Which of its faces the server shows."""

from collections.abc import Mapping

__all__ = ["server_mode"]


def server_mode(environment: Mapping[str, str]) -> str:
    """Return the mode that the environment asks for, in small letters; empty is workspace mode."""
    return environment.get("MOLECULE_MCP_MODE", "").lower()
