"""One MCP server on stdio: started, asked and ended, with a deadline on every wait.

A plain JSON-RPC client on the standard library. Lines of the server that are not JSON-RPC are skipped: releases of June
2026 wrote their log to stdout, into the middle of the protocol.
"""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["LaunchSpec", "McpEndedError", "McpError", "McpSession", "McpSpawnError", "McpTimeoutError", "ToolAnswer"]

_PROTOCOL_VERSION = "2024-11-05"
_STDERR_KEPT = 200
_END_SECONDS = 1.0


class McpError(Exception):
    """The server could not be started, ended, answered with a protocol error, or did not answer in time."""


class McpSpawnError(McpError):
    """The server's process could not be started at all."""


class McpEndedError(McpError):
    """The server's process ended; the text is its exit code and the last of its stderr."""


class McpTimeoutError(McpError):
    """The server did not answer in time."""


class LaunchSpec(NamedTuple):
    """How a server is started: everything resolved, nothing looked up any more."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


class ToolAnswer(NamedTuple):
    """What a tool answered: the text of all its text items, and whether the server calls it an error."""

    text: str
    is_error: bool


class McpSession:
    """A running server. Calls from several threads are answered independently of each other."""

    def __init__(self, spec: LaunchSpec) -> None:
        """Start the process; raises :class:`McpError` if that is not possible."""
        self._answered = threading.Condition()
        self._answers: dict[int, Mapping[str, object]] = {}
        self._last_id = 0
        self._ended = False
        self._stderr = ""
        try:
            self._process = subprocess.Popen(
                spec.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(spec.environment),
            )
        except OSError as error:
            raise McpSpawnError(str(error)) from error
        self._readers = [
            threading.Thread(target=target, name=f"mcp-{spec.name}", daemon=True)
            for target in (self._read_answers, self._read_stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether the server's process is running."""
        return self._process.poll() is None

    def handshake(self, timeout_seconds: float) -> list[str]:
        """Open the session and return the names of the tools; ``timeout_seconds`` (wall) covers all of it.

        Raises:
            McpError: the server ended, refused or did not answer in time.
        """
        deadline = time.monotonic() + timeout_seconds
        client = {"name": "molecule-runtime", "version": "1.0.0"}
        parameters = {"protocolVersion": _PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client}
        self._request("initialize", parameters, deadline)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        names: list[str] = []
        cursor: object = None
        while True:
            page = self._request("tools/list", {"cursor": cursor} if cursor else {}, deadline)
            tools = page.get("tools")
            names += (
                [str(tool["name"]) for tool in tools if isinstance(tool, dict) and "name" in tool]
                if isinstance(tools, list)
                else []
            )
            cursor = page.get("nextCursor")
            if not cursor:
                return names

    def call_tool(self, name: str, arguments: Mapping[str, object], timeout_seconds: float) -> ToolAnswer:
        """Call a tool once, never twice.

        Raises:
            McpError: as for :meth:`handshake`. The call may have acted all the same.
        """
        deadline = time.monotonic() + timeout_seconds
        result = self._request("tools/call", {"name": name, "arguments": dict(arguments)}, deadline)
        content = result.get("content")
        texts = (
            [str(item.get("text", "")) for item in content if isinstance(item, dict)]
            if isinstance(content, list)
            else []
        )
        return ToolAnswer("\n".join(texts), result.get("isError") is True)

    def close(self) -> None:
        """End the server: its input closes, then it is terminated, then killed. Returns when it is gone."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(_END_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _request(self, method: str, parameters: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        with self._answered:
            self._last_id += 1
            request_id = self._last_id
        self._send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": parameters})
        with self._answered:
            while request_id not in self._answers:
                if self._ended:
                    raise McpEndedError(self._end_reason())
                if not self._answered.wait(max(deadline - time.monotonic(), 0)) and time.monotonic() >= deadline:
                    raise McpTimeoutError(f"{method} was not answered in time")
            answer = self._answers.pop(request_id)
        result = answer.get("result")
        if isinstance(result, dict):
            return result
        raise McpError(f"{method}: {json.dumps(answer.get('error'))}")

    def _send(self, message: Mapping[str, object]) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self._answered:
            try:
                if self._process.stdin is not None:
                    self._process.stdin.write(line)
                    self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise McpEndedError(self._end_reason()) from error

    def _end_reason(self) -> str:
        try:
            code: int | None = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self._readers[1].join(_END_SECONDS)
        return f"exit={code} {self._stderr.strip()[:_STDERR_KEPT]}".strip()

    def _read_answers(self) -> None:
        for line in self._process.stdout or ():
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(message, dict) or "method" in message or not isinstance(message.get("id"), int):
                continue
            with self._answered:
                self._answers[message["id"]] = message
                self._answered.notify_all()
        with self._answered:
            self._ended = True
            self._answered.notify_all()

    def _read_stderr(self) -> None:
        for line in self._process.stderr or ():
            self._stderr = (self._stderr + line.decode("utf-8", "replace"))[-4 * _STDERR_KEPT :]
