"""The part of a heartbeat that tells which MCP tools the agent has: the state before 2026-06-21.

This is the version behind core#3082: no runtime of that day reported its tools, and the online gate asked for them.
"""

from collections.abc import Mapping, Sequence

from molecule_runtime.delivery_contract import DeliveryContract

__all__ = ["loaded_tools_report"]


def loaded_tools_report(tools: Sequence[str] | None, contract: DeliveryContract) -> Mapping[str, object]:  # noqa: ARG001
    """Return nothing: this runtime does not report its tools."""
    return {}
