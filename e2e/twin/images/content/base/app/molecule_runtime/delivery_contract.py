"""The delivery contract as this image carries it (``/app/contracts``): path, key, server name and tool names.

The file lies beside this package, so that its place is found from here and not from the environment.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from molecule_runtime.faults import acts

__all__ = ["DeliveryContract", "delivery_contract"]

_NAME_BEFORE_IT_WAS_SHARED = "platform"


class DeliveryContract(NamedTuple):
    """What the runtime needs of the contract."""

    settings_path: str
    key: str
    mcp_server_name: str
    legacy_binary_path: str
    runtime_present_field: str
    loaded_mcp_tools_field: str
    create_tool_names: tuple[str, ...]
    required_create_tool: str
    name_argument: str
    model_argument: str


@cache
def delivery_contract() -> DeliveryContract:
    """Read the image's contract; a broken image raises ``OSError``, ``ValueError`` or ``KeyError``."""
    path = Path(__file__).resolve().parent.parent / "contracts" / "mcp-plugin-delivery.contract.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    call = document["create_workspace"]
    return DeliveryContract(
        settings_path=document["settings_path"],
        key=document["key"],
        mcp_server_name=_server_name(document["mcp_server_name"]),
        legacy_binary_path=document["legacy_binary_path"],
        runtime_present_field=document["runtime_present_field"],
        loaded_mcp_tools_field=document["loaded_mcp_tools_field"],
        create_tool_names=tuple(call["tool_names"]),
        required_create_tool=call["required_tool"],
        name_argument=call["name_argument"],
        model_argument=call["model_argument"],
    )


def _server_name(shared: str) -> str:
    """Return the server's name as this image knows it; an image that is older than the shared name knows another."""
    return _NAME_BEFORE_IT_WAS_SHARED if acts("server-name-drift", "delivery contract of the image") else shared
