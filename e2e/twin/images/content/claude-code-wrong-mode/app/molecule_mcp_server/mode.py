"""Which of its faces the server shows: a release that does not know management mode.

This is how a tool list without the creating verb comes about (core#3082): the server starts in workspace mode.
"""

from collections.abc import Mapping

__all__ = ["server_mode"]


def server_mode(environment: Mapping[str, str]) -> str:
    """Return the mode that the environment asks for; ``management`` is none of this release's."""
    mode = environment.get("MOLECULE_MCP_MODE", "").lower()
    return "" if mode == "management" else mode
