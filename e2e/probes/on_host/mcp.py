"""A small MCP client over a pipe: newline-delimited JSON-RPC, with a deadline for everything.

It keeps standard input open until it has its answers (servers were seen to drop answers when the input ends early)
and skips lines that are not JSON-RPC, counting them (a release of the server logs to standard output).
"""

import json
import os
import selectors
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from e2e.probes.on_host.facts import depth

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOL_VERSION = "2024-11-05"
_LINE_BYTES = 4 * 1024 * 1024
_STREAM_BYTES = 32 * 1024 * 1024
_ERROR_BYTES = 256 * 1024


class ServerEnded(Exception):
    """The server closed its output."""


class ServerSilent(Exception):
    """The server did not answer in time."""


class ServerTalksTooMuch(Exception):
    """The server printed more than a client needs to read."""


class RpcError(Exception):
    """The server answered with a JSON-RPC error; ``code`` is its number."""

    def __init__(self, code: object) -> None:
        super().__init__()
        self.code = code if isinstance(code, int) and not isinstance(code, bool) else None


class Session:
    """One conversation with a server that runs as a child process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._buffer = b""
        self._read = 0
        self._next_id = 0
        self.non_json_lines = 0
        self.errors = b""
        self.error_bytes = 0
        self._error_reader = threading.Thread(target=self._drain_errors, daemon=True)
        self._error_reader.start()

    def read_line(self, deadline: float) -> bytes:
        """Return the next line of the server's output.

        Raises:
            ServerEnded, ServerSilent, ServerTalksTooMuch: there is none.
        """
        stream = self._stdout()
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not selector.select(remaining):
                    raise ServerSilent
                chunk = os.read(stream.fileno(), 65536)
                if not chunk:
                    raise ServerEnded
                self._read += len(chunk)
                self._buffer += chunk
                if self._read > _STREAM_BYTES or len(self._buffer) > _LINE_BYTES:
                    raise ServerTalksTooMuch
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def request(self, method: str, parameters: "dict[str, Any]", deadline: float) -> "dict[str, Any]":
        """Return the result of one request.

        Raises:
            RpcError: the server answered with an error.
            ServerEnded, ServerSilent, ServerTalksTooMuch: it did not answer.
        """
        self._next_id += 1
        number = self._next_id
        self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        while True:
            message = self._message(self.read_line(deadline))
            if message is None or "method" in message or message.get("id") != number:
                continue
            if "error" in message:
                error = message["error"]
                raise RpcError(error.get("code") if isinstance(error, dict) else None)
            result = message.get("result")
            return result if isinstance(result, dict) else {}

    def notify(self, method: str) -> None:
        """Send a notification.

        Raises:
            ServerEnded: nobody reads.
        """
        self._write({"jsonrpc": "2.0", "method": method})

    def end(self, grace: float, end_group: "Callable[[], None]") -> "int | None":
        """Close the server's input and return its exit code.

        None if it did not end within ``grace`` seconds: then ``end_group`` ends it where it runs, since ending the
        docker command alone would leave it running.
        """
        if self._process.stdin is not None:
            with suppress(OSError):  # it is gone already
                self._process.stdin.close()
        code: int | None = None
        try:
            code = self._process.wait(grace)
        except subprocess.TimeoutExpired:
            end_group()
            try:
                self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._error_reader.join(1.0)
        self._stdout().close()
        return code

    def _message(self, line: bytes) -> "dict[str, Any] | None":
        if not line.strip():
            return None
        try:
            text = line.decode("utf-8")
            message = json.loads(text) if depth(text) <= 64 else None
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
            return message
        self.non_json_lines += 1
        return None

    def _write(self, message: "dict[str, Any]") -> None:
        stream = self._process.stdin
        if stream is None:
            raise ServerEnded
        try:
            stream.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            stream.flush()
        except OSError:
            raise ServerEnded from None

    def _stdout(self) -> "IO[bytes]":
        if self._process.stdout is None:
            raise ServerEnded
        return self._process.stdout

    def _drain_errors(self) -> None:
        stream = self._process.stderr
        while stream is not None:
            chunk = stream.read(65536)
            if not chunk:
                stream.close()
                return
            self.error_bytes += len(chunk)
            if len(self.errors) < _ERROR_BYTES:
                self.errors += chunk
