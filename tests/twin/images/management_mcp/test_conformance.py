"""The management MCP server over stdio: the same behaviour of both implementations, driven raw and by the SDK's client."""

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mcp
import pytest
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from e2e.contract import load_contract
from e2e.twin.images import DEFAULT_IMAGE, catalogue

CONTRACT = load_contract()
CREATE = CONTRACT.create_workspace.required_tool
Open = Callable[..., "Session"]


class Session:
    """A raw client: writes lines, reads lines, and fails on anything on stdout that is not JSON-RPC."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._next_id = 0

    def send(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        self.process.stdin.flush()

    def read(self) -> Any:
        assert self.process.stdout is not None
        timer = threading.Timer(30, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        assert line, "the server ended or did not answer"
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    def request(self, method: str, parameters: object = None) -> Any:
        self._next_id += 1
        message = {"jsonrpc": "2.0", "id": self._next_id, "method": method}
        self.send(message if parameters is None else {**message, "params": parameters})
        answer = self.read()
        assert answer["id"] == self._next_id
        return answer

    def initialize(self, version: str = "2024-11-05") -> Any:
        client = {"name": "test", "version": "0"}
        result = self.request("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result["result"]

    def call(self, tool: str, **arguments: object) -> Any:
        return self.request("tools/call", {"name": tool, "arguments": arguments})["result"]

    def call_text(self, tool: str, **arguments: object) -> Any:
        """The JSON of a tool's answer that is not an error for the MCP layer."""
        result = self.call(tool, **arguments)
        assert "isError" not in result or result["isError"] is False
        (item,) = result["content"]
        assert item["type"] == "text"
        document = json.loads(item["text"])
        assert item["text"] == json.dumps(document, indent=2, ensure_ascii=False)
        return document

    def close(self) -> tuple[int, str]:
        """Close the server's stdin and return its exit code and what it wrote to stderr."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        code = self.process.wait(10)
        return code, self.process.stderr.read()

    def kill(self) -> None:
        """End the server whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@pytest.fixture(scope="session", params=[False, True], ids=["sdk", "light"])
def server_rootfs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built image with the one or the other server."""
    rootfs = tmp_path_factory.mktemp("image")
    catalogue(light_mcp=bool(request.param))[DEFAULT_IMAGE].build_rootfs(rootfs)
    return rootfs


@pytest.fixture(scope="session")
def environment(server_rootfs: Path, tenant_server: Any) -> dict[str, str]:
    """What the runtime gives the server."""
    return {
        "PATH": f"{server_rootfs}/usr/local/bin:/usr/bin:/bin",
        "MOLECULE_MCP_MODE": "management",
        "MOLECULE_API_URL": tenant_server.url,
        "MOLECULE_API_KEY": "api-key",
        "MOLECULE_ORG_API_KEY": "org-key",
        "MOLECULE_ORG_ID": "org-1",
        "MOLECULE_PLATFORM_SPEED": "100",
    }


@pytest.fixture
def open_session(environment: dict[str, str], tenant: Any) -> Iterator[Open]:
    """Starts a server: ``open_session(**environment)``; ``None`` removes a variable."""
    sessions: list[Session] = []

    def open_session(**overrides: str | None) -> Session:
        sessions.append(_start({**environment, **overrides}))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.kill()


@pytest.fixture(scope="session")
def standing_session(environment: dict[str, str]) -> Iterator[Session]:
    """A server that serves many tests."""
    session = _start(environment)
    session.initialize()
    yield session
    session.kill()


@pytest.fixture
def session(standing_session: Session, tenant: Any) -> Session:
    """A server that has been opened, and a tenant that has not seen a request of it yet."""
    return standing_session


def _start(environment: Mapping[str, str | None]) -> Session:
    given = {name: value for name, value in environment.items() if value is not None}
    pipe = subprocess.PIPE
    return Session(subprocess.Popen(["molecule-mcp"], env=given, stdin=pipe, stdout=pipe, stderr=pipe, text=True))


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


def test_it_lists_the_tool_of_the_contract_with_a_schema_that_takes_its_arguments(session: Session) -> None:

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


def test_ping_is_answered_and_unoffered_methods_are_not_found(session: Session) -> None:

    assert session.request("ping")["result"] == {}
    for method in ("resources/list", "prompts/list"):
        assert session.request(method, {})["error"] == {"code": -32601, "message": "Method not found"}


def test_lines_that_are_not_json_are_ignored(session: Session) -> None:
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


def test_create_is_one_post_with_the_given_fields_only(session: Session, tenant: Any) -> None:
    answer = session.call_text(CREATE, model="m", name="n", tier=2, unknown="stripped", parent_id="p")

    (request,) = tenant.requests("POST", "/workspaces")
    assert list(request.document.items()) == [("name", "n"), ("tier", 2), ("parent_id", "p"), ("model", "m")]
    assert request.headers["authorization"] == "Bearer org-key"
    assert request.headers["x-molecule-org-id"] == "org-1"
    assert request.headers["content-type"] == "application/json"
    assert answer == {"id": "new-id", "status": "provisioning", "auth_token": "minted-token"}


def test_a_name_is_all_that_create_needs(session: Session, tenant: Any) -> None:
    session.call_text(CREATE, name="only-name")

    assert tenant.requests("POST", "/workspaces")[0].document == {"name": "only-name"}


def test_every_tool_makes_its_one_request(session: Session, tenant: Any) -> None:
    tenant.answers["GET", "/workspaces/a%2Fb%20c%3Fx"] = (200, {"id": "found"})
    tenant.answers["DELETE", "/workspaces/w"] = (200, {"status": "removed"})

    assert session.call_text("list_workspaces") == []
    assert session.call_text("list_templates") == []
    assert session.call_text("get_workspace", workspace_id="a/b c?x") == {"id": "found"}
    assert session.call_text("deprovision_workspace", workspace_id="w", confirm_name="My W") == {"status": "removed"}
    (delete,) = tenant.requests("DELETE", "/workspaces/w")
    assert delete.headers["x-confirm-name"] == "My W"
    assert delete.body == b""


def test_without_the_organisations_key_every_tool_answers_auth_error_and_sends_nothing(
    open_session: Open, tenant: Any
) -> None:
    session = open_session(MOLECULE_ORG_API_KEY=None)
    session.initialize()
    before = len(tenant.seen)

    for _ in range(2):
        assert session.call_text(CREATE, name="n")["error"] == "AUTH_ERROR"
    assert session.call_text("list_workspaces")["error"] == "AUTH_ERROR"
    assert len(tenant.seen) == before


def test_without_an_organisation_every_tool_answers_auth_error_and_sends_nothing(
    open_session: Open, tenant: Any
) -> None:
    answer = open_session(MOLECULE_ORG_ID=None).call_text(CREATE, name="n")

    assert answer["error"] == "AUTH_ERROR"
    assert "MOLECULE_ORG_ID or MOLECULE_ORG_SLUG is required" in answer["detail"]
    assert not tenant.requests("POST", "/workspaces")


def test_a_slug_will_do_for_the_organisation(open_session: Open, tenant: Any) -> None:
    open_session(MOLECULE_ORG_ID=None, MOLECULE_ORG_SLUG="acme").call_text("list_workspaces")

    (request,) = tenant.requests("GET", "/workspaces")
    assert request.headers["x-molecule-org-slug"] == "acme"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, "AUTH_ERROR"), (403, "AUTH_ERROR"), (429, "RATE_LIMITED"), (422, "HTTP 422"), (500, "HTTP 500")],
)
def test_an_http_error_is_a_normal_result_and_is_not_repeated(
    session: Session, tenant: Any, status: int, error: str
) -> None:
    tenant.answers["POST", "/workspaces"] = (status, {"code": "WHY"})

    answer = session.call_text(CREATE, name="n")

    assert answer == {"error": error, "detail": '{"code": "WHY"}', "status": status}
    assert len(tenant.requests("POST", "/workspaces")) == 1


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"<html>")])
def test_an_answer_that_is_not_json_is_passed_on_raw(session: Session, tenant: Any, status: int, body: bytes) -> None:
    tenant.answers["POST", "/workspaces"] = (status, body)

    assert session.call_text(CREATE, name="n") == {"raw": body.decode(), "status": status}


def test_a_found_redirect_turns_a_post_into_a_get(session: Session, tenant: Any) -> None:
    tenant.answers["POST", "/workspaces"] = (302, {"location": "/elsewhere"})
    tenant.answers["GET", "/elsewhere"] = (200, {"lost": True})

    assert session.call_text(CREATE, name="n") == {"lost": True}


def test_a_temporary_redirect_keeps_the_post(session: Session, tenant: Any) -> None:
    tenant.answers["POST", "/workspaces"] = (307, {"location": "/elsewhere"})
    tenant.answers["POST", "/elsewhere"] = (201, {"id": "there"})

    assert session.call_text(CREATE, name="n") == {"id": "there"}
    assert tenant.requests("POST", "/elsewhere")[0].document == {"name": "n"}


def test_an_unknown_tool_is_an_error_result(session: Session) -> None:
    result = session.call("provision_everything")

    assert result["isError"] is True
    assert result["content"][0]["text"] == "MCP error -32602: Tool provision_everything not found"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"name": 5},
        {"name": None},
        {"name": "n", "tier": 9},
        {"name": "n", "tier": 0},
        {"name": "n", "tier": 1.5},
        {"name": "n", "tier": True},
    ],
)
def test_bad_arguments_are_an_error_result_and_send_nothing(
    session: Session, tenant: Any, arguments: dict[str, object]
) -> None:
    result = session.call(CREATE, **arguments)

    assert result["isError"] is True
    start = f"MCP error -32602: Input validation error: Invalid arguments for tool {CREATE}: "
    text = result["content"][0]["text"]
    assert text.startswith(start)
    assert json.loads(text.removeprefix(start))
    assert not tenant.requests("POST", "/workspaces")


def test_a_slow_tool_holds_up_no_other(session: Session, tenant: Any) -> None:
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
        async with stdio_client(parameters, errlog=sys.__stderr__) as streams, mcp.ClientSession(*streams) as session:
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            result = await session.call_tool(CREATE, {"name": "by-sdk"})
            (item,) = result.content
            assert isinstance(item, TextContent)
            return names, item.text

    names, text = asyncio.run(converse())

    assert CREATE in names
    assert json.loads(text)["id"] == "new-id"
    assert tenant.requests("POST", "/workspaces")[0].document == {"name": "by-sdk"}
