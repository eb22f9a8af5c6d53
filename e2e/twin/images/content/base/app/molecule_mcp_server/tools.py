"""The management tools: what they are called, what they take, and the one request each of them makes.

Only the verbs that a boot needs are here, out of the 41 of the release of June 2026. That release called the creating
verb ``provision_workspace``; here it bears the name that the delivery contract requires, since the online gate of
that time demanded a tool of that name, which no release offered.
"""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from molecule_runtime.delivery_contract import delivery_contract

from molecule_mcp_server.arguments import validation_error
from molecule_mcp_server.management_client import ManagementClient
from molecule_mcp_server.settings import ServerSettings
from molecule_mcp_server.verb import create_verb

__all__ = ["Tool", "ToolResult", "Toolbox"]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_UNESCAPED = "!'()*"  # what encodeURIComponent leaves as it is, beyond what quote does


class Tool(NamedTuple):
    """One tool as ``tools/list`` shows it, and what it does with valid arguments."""

    name: str
    description: str
    input_schema: Mapping[str, object]
    run: Callable[[ManagementClient, Mapping[str, object]], object]


class ToolResult(NamedTuple):
    """The text of a tool's answer, and whether the MCP layer marks it as an error."""

    text: str
    is_error: bool = False


class Toolbox:
    """The tools that a server offers in its mode."""

    def __init__(self, settings: ServerSettings) -> None:
        """Offer the management tools in management mode and none otherwise: only that mode is modelled."""
        self._client = ManagementClient(settings)
        self._tools = {tool.name: tool for tool in _management_tools()} if settings.is_management else {}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools in the order in which they are listed."""
        return tuple(self._tools.values())

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run a tool; unknown tools and bad arguments are errors, what the platform answers never is. Never raises."""
        tool = self._tools.get(name)
        if tool is None:
            return ToolResult(f"MCP error -32602: Tool {name} not found", is_error=True)
        problem = validation_error(tool.input_schema, arguments)
        if problem:
            text = f"MCP error -32602: Input validation error: Invalid arguments for tool {name}: {problem}"
            return ToolResult(text, is_error=True)
        return ToolResult(json.dumps(tool.run(self._client, arguments), indent=2, ensure_ascii=False))


def _management_tools() -> tuple[Tool, ...]:
    contract = delivery_contract()
    text: Mapping[str, object] = {"type": "string"}
    create_fields: dict[str, Mapping[str, object]] = {
        contract.name_argument: {"type": "string", "description": "Name of the new workspace"},
        "role": text,
        "template": text,
        "runtime": text,
        "tier": {"type": "integer", "minimum": 1, "maximum": 4},
        "parent_id": text,
        contract.model_argument: {"type": "string", "description": "Model of the new workspace"},
    }

    def create_workspace(client: ManagementClient, arguments: Mapping[str, object]) -> object:
        return client.call("POST", "/workspaces", {key: arguments[key] for key in create_fields if key in arguments})

    return (
        Tool(
            "list_workspaces", "List all workspaces of the organisation.", _schema({}, closed=False), _list_workspaces
        ),
        Tool(
            "get_workspace", "Get one workspace by id.", _schema({"workspace_id": text}, "workspace_id"), _get_workspace
        ),
        Tool(
            create_verb(contract),
            "Create a new workspace in the organisation.",
            _schema(create_fields, contract.name_argument),
            create_workspace,
        ),
        Tool(
            "deprovision_workspace",
            "Remove a workspace; needs its exact name as confirm_name.",
            _schema({"workspace_id": text, "confirm_name": text}, "workspace_id"),
            _deprovision_workspace,
        ),
        Tool("list_templates", "List the workspace templates.", _schema({}), _list_templates),
    )


def _schema(properties: Mapping[str, object], *required: str, closed: bool = True) -> Mapping[str, object]:
    schema: dict[str, object] = {"$schema": _DRAFT, "type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


def _workspace_path(arguments: Mapping[str, object]) -> str:
    return "/workspaces/" + quote(str(arguments["workspace_id"]), safe=_UNESCAPED)


def _list_workspaces(client: ManagementClient, _arguments: Mapping[str, object]) -> object:
    return client.call("GET", "/workspaces")


def _get_workspace(client: ManagementClient, arguments: Mapping[str, object]) -> object:
    return client.call("GET", _workspace_path(arguments))


def _deprovision_workspace(client: ManagementClient, arguments: Mapping[str, object]) -> object:
    confirm = arguments.get("confirm_name")
    headers = {"X-Confirm-Name": quote(str(confirm), safe=" " + _UNESCAPED)} if confirm else {}
    return client.call("DELETE", _workspace_path(arguments), extra_headers=headers)


def _list_templates(client: ManagementClient, _arguments: Mapping[str, object]) -> object:
    return client.call("GET", "/templates")
