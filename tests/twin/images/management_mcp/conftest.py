"""What the tests of the management MCP server share: a raw client, and servers of both implementations."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.images import DEFAULT_IMAGE

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
def server_rootfs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, build_container: Callable[..., None]
) -> Path:
    """A built image with the one or the other server."""
    rootfs = tmp_path_factory.mktemp("image")
    build_container(rootfs, DEFAULT_IMAGE, light_mcp=bool(request.param))
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
