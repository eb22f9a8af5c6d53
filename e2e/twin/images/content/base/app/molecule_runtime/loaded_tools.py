"""The part of a heartbeat that tells which MCP tools the agent has."""

from collections.abc import Mapping, Sequence

from molecule_runtime.delivery_contract import DeliveryContract

__all__ = ["loaded_tools_report"]


def loaded_tools_report(tools: Sequence[str] | None, contract: DeliveryContract) -> Mapping[str, object]:
    """Return the field for ``tools``; nothing while they are not known, which is another answer than an empty list."""
    return {} if tools is None else {contract.loaded_mcp_tools_field: list(tools)}
