"""What a platform agent (the concierge) reports about its management MCP server: nothing yet.

This is the version behind core#3039: an online gate that asks for presence meets a runtime that has no word for it.
"""

__all__ = ["identity_gate_payload"]


def identity_gate_payload() -> dict[str, bool]:
    """Return nothing: this runtime does not report presence."""
    return {}
