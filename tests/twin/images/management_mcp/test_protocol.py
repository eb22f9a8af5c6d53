"""The protocol side of the management MCP server: the same of both implementations, raw and by the SDK's client."""

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mcp
import pytest
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from e2e.contract import load_contract

CONTRACT = load_contract()
CREATE = CONTRACT.create_workspace.required_tool
Open = Callable[..., Any]


def test_it_introduces_itself_as_the_management_server(open_session: Open, server_rootfs: Path) -> None:
    result = open_session().initialize()

    assert result["serverInfo"]["name"] == CONTRACT.mcp_server_name
    assert result["serverInfo"]["version"] in ("1.0.0", "1.0.0-light")
    assert result["capabilities"] == {"tools": {"listChanged": True}}


def test_the_two_servers_are_told_apart_by_their_version(open_session: Open, request: pytest.FixtureRequest) -> None:
    light = request.node.callspec.params["server_rootfs"]

    assert open_session().initialize()["serverInfo"]["version"] == ("1.0.0-light" if light else "1.0.0")


@pytest.mark.parametrize(
    ("mode", "name"), [("self", "molecule-self"), ("", "molecule-a2a"), ("MANAGEMENT", CONTRACT.mcp_server_name)]
)
def test_its_name_follows_from_its_mode(open_session: Open, mode: str, name: str) -> None:
    session = open_session(MOLECULE_MCP_MODE=mode)

    assert session.initialize()["serverInfo"]["name"] == name
    tools = session.request("tools/list", {})["result"]["tools"]
    assert bool(tools) is (name == CONTRACT.mcp_server_name)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_a_known_protocol_version_is_echoed(open_session: Open, asked: str, answered: str) -> None:
    assert open_session().initialize(asked)["protocolVersion"] == answered


def test_it_lists_the_tool_of_the_contract_with_a_schema_that_takes_its_arguments(session: Any) -> None:

    result = session.request("tools/list", {})["result"]

    tools = {tool["name"]: tool for tool in result["tools"]}
    assert list(tools) == ["list_workspaces", "get_workspace", CREATE, "deprovision_workspace", "list_templates"]
    assert "nextCursor" not in result
    schema = tools[CREATE]["inputSchema"]
    assert schema["required"] == [CONTRACT.create_workspace.name_argument]
    assert set(schema["properties"]) == {"name", "role", "template", "runtime", "tier", "parent_id", "model"}
    assert schema["additionalProperties"] is False
    assert "additionalProperties" not in tools["list_workspaces"]["inputSchema"]
    assert all(set(tool) == {"name", "description", "inputSchema", "execution"} for tool in tools.values())


def test_tools_can_be_listed_before_initialize(open_session: Open) -> None:
    assert open_session().request("tools/list", {})["result"]["tools"]


def test_ping_is_answered_and_unoffered_methods_are_not_found(session: Any) -> None:

    assert session.request("ping")["result"] == {}
    for method in ("resources/list", "prompts/list"):
        assert session.request(method, {})["error"] == {"code": -32601, "message": "Method not found"}


def test_lines_that_are_not_json_are_ignored(session: Any) -> None:
    for line in ("not json", "", "{", "[]", "null", '{"jsonrpc": "2.0", "method": "notifications/unknown"}'):
        session.send(line)

    assert session.request("ping")["result"] == {}


def test_the_platform_is_looked_at_before_anything_is_answered(open_session: Open, tenant: Any) -> None:
    session = open_session()
    session.initialize()

    health, templates = tenant.seen
    assert (health.method, health.path) == ("GET", "/health")
    assert "authorization" not in health.headers
    assert "x-molecule-org-id" not in health.headers
    assert (templates.method, templates.path) == ("GET", "/templates")
    assert templates.headers["authorization"] == "Bearer api-key"
    assert templates.headers["x-molecule-org-id"] == "org-1"


def test_without_an_api_key_only_health_is_looked_at(open_session: Open, tenant: Any) -> None:
    open_session(MOLECULE_API_KEY=None).initialize()

    assert [request.path for request in tenant.seen] == ["/health"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_api_key_is_told_on_stderr_and_the_server_starts(
    open_session: Open, tenant: Any, status: int
) -> None:
    tenant.answers["GET", "/templates"] = (status, {})
    session = open_session()
    session.initialize()

    code, told = session.close()

    assert code == 0
    assert f"AUTH_ERROR: MOLECULE_API_KEY rejected by {tenant.url} (HTTP {status})" in told


def test_a_throttled_look_is_repeated_three_times(open_session: Open, tenant: Any) -> None:
    tenant.answers["GET", "/templates"] = (429, {})
    open_session().initialize()

    assert len(tenant.requests("GET", "/templates")) == 4


def test_it_starts_without_a_platform(open_session: Open) -> None:
    session = open_session(MOLECULE_API_URL="http://127.0.0.1:9")
    session.initialize()

    assert session.call_text("list_workspaces") == {
        "error": "Tenant host unreachable at http://127.0.0.1:9",
        "detail": "fetch failed",
    }


def test_a_slow_tool_holds_up_no_other(session: Any, tenant: Any) -> None:
    asked, release = threading.Event(), threading.Event()

    def slowly(_request: object) -> tuple[int, object]:
        asked.set()
        release.wait(30)
        return 201, {"id": "late"}

    tenant.answers["POST", "/workspaces"] = slowly
    session.send(
        {"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": {"name": CREATE, "arguments": {"name": "n"}}}
    )
    assert asked.wait(30)

    assert session.call_text("list_workspaces") == []
    release.set()
    assert session.read()["id"] == "slow"


def test_it_ends_with_its_client_even_while_a_tool_is_under_way(open_session: Open, tenant: Any) -> None:
    asked, release = threading.Event(), threading.Event()

    def never(_request: object) -> tuple[int, object]:
        asked.set()
        release.wait(30)
        return 201, {}

    tenant.answers["POST", "/workspaces"] = never
    session = open_session()
    session.send(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": CREATE, "arguments": {"name": "n"}}}
    )
    assert asked.wait(30)

    code, _ = session.close()
    release.set()

    assert code == 0


def test_the_official_client_gets_along_with_it(environment: dict[str, str], tenant: Any) -> None:
    async def converse() -> tuple[list[str], str]:
        program = environment["PATH"].split(":")[0] + "/molecule-mcp"
        parameters = mcp.StdioServerParameters(command=program, env=environment)
        async with stdio_client(parameters, errlog=errors) as streams, mcp.ClientSession(*streams) as session:
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            result = await session.call_tool(CREATE, {"name": "by-sdk"})
            (item,) = result.content
            assert isinstance(item, TextContent)
            return names, item.text

    with tempfile.TemporaryFile("w") as errors:
        names, text = asyncio.run(converse())

    assert CREATE in names
    assert json.loads(text)["id"] == "new-id"
    assert tenant.requests("POST", "/workspaces")[0].document == {"name": "by-sdk"}
