"""The MCP plugin delivery contract as a typed, frozen value."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.contract.files import contracts_folder


class ContractError(Exception):
    """The contract file is missing, unreadable or not what its schema says."""


@dataclass(frozen=True, slots=True)
class CreateWorkspaceCall:
    """The capability *create a workspace*: the names it goes by and the arguments of the call."""

    tool_names: tuple[str, ...]
    required_tool: str
    name_argument: str
    model_argument: str
    model: str

    def arguments(self, workspace_name: str) -> dict[str, str]:
        """Return the arguments that create a workspace called ``workspace_name``."""
        return {self.name_argument: workspace_name, self.model_argument: self.model}


@dataclass(frozen=True, slots=True)
class Contract:
    """What producer, runtime, gate and harness agree on (docs/platform.md, delivery contract)."""

    version: str
    settings_path: str
    key: str
    mcp_server_name: str
    legacy_binary_path: str
    runtime_present_field: str
    loaded_mcp_tools_field: str
    plugin_source: str
    plugin_declared_name: str
    create_workspace: CreateWorkspaceCall

    def tool_id(self, tool_name: str) -> str:
        """Return the id under which the runtime reports a tool of the management server."""
        return f"mcp__{self.mcp_server_name}__{tool_name}"

    @property
    def required_tool_id(self) -> str:
        """The tool id that the online gate of this contract version demands."""
        return self.tool_id(self.create_workspace.required_tool)


def parse_contract(document: Mapping[str, Any]) -> Contract:
    """Turn the JSON document into a :class:`Contract`.

    Raises:
        ContractError: a field is missing or has the wrong type; the message names it.
    """
    try:
        call = document["create_workspace"]
        contract = Contract(
            version=str(document["contract_version"]),
            settings_path=str(document["settings_path"]),
            key=str(document["key"]),
            mcp_server_name=str(document["mcp_server_name"]),
            legacy_binary_path=str(document["legacy_binary_path"]),
            runtime_present_field=str(document["runtime_present_field"]),
            loaded_mcp_tools_field=str(document["loaded_mcp_tools_field"]),
            plugin_source=str(document["plugin"]["source"]),
            plugin_declared_name=str(document["plugin"]["declared_name"]),
            create_workspace=CreateWorkspaceCall(
                tool_names=tuple(str(name) for name in call["tool_names"]),
                required_tool=str(call["required_tool"]),
                name_argument=str(call["name_argument"]),
                model_argument=str(call["model_argument"]),
                model=str(call["model"]),
            ),
        )
    except (KeyError, TypeError) as error:
        raise ContractError(f"the delivery contract lacks {error}") from error
    if contract.create_workspace.required_tool not in contract.create_workspace.tool_names:
        raise ContractError("the delivery contract requires a tool that is not among its own tool_names")
    return contract


def load_contract(path: Path | None = None) -> Contract:
    """Read the contract from ``path``, by default the one that travels with the harness.

    Raises:
        ContractError: the file cannot be read, is not JSON, or lacks a field.
    """
    path = path or contracts_folder() / "mcp-plugin-delivery.contract.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError(f"cannot read the delivery contract {path}: {error}") from error
    return parse_contract(document)
