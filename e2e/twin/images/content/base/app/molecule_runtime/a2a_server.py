"""The agent's HTTP door: its card, and ``message/send`` of A2A (JSON-RPC, v0.3 parts).

The port is taken when the server is made, so that it can be registered; connections are accepted only after
:meth:`A2aServer.listen`, since the platform's runtime listens after it has registered.
"""

import json
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from molecule_runtime.faults import hold_while

__all__ = ["A2aServer", "text_of_message"]

_WHERE = "the agent's HTTP door"
_CARD_PATH = "/.well-known/agent-card.json"
_MAXIMUM_BODY_BYTES = 4 * 1024 * 1024


def text_of_message(message: object) -> str:
    """Return the text parts of an A2A message, joined by newlines; empty if there are none."""
    parts = message.get("parts") if isinstance(message, dict) else None
    texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return "\n".join(text for text in texts if isinstance(text, str))


class A2aServer:
    """Serves the agent on one port, a thread per request."""

    def __init__(
        self,
        address: tuple[str, int],
        card: Callable[[], Mapping[str, object]],
        answer: Callable[[str], str] | None,
        not_configured: str,
    ) -> None:
        """Take the port at once. Without ``answer`` every request is refused with ``not_configured`` as the reason.

        Raises:
            OSError: the port is taken.
        """
        self.card = card
        self.answer = answer
        self.not_configured = not_configured
        self._active = 0
        self._count = threading.Lock()
        self._server = _Server(address, self)
        self.port: int = self._server.server_address[1]

    @property
    def active_tasks(self) -> int:
        """How many requests the agent is working on."""
        return self._active

    def listen(self) -> None:
        """Accept connections from now on, in a thread of its own."""
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="a2a", daemon=True).start()

    def close(self) -> None:
        """Accept nothing any more; call it only after :meth:`listen`."""
        self._server.shutdown()
        self._server.server_close()

    def dispatch(self, body: bytes) -> tuple[int, Mapping[str, object]]:
        """Answer one JSON-RPC request with an HTTP status and a document."""
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return 200, _failure(None, -32700, "Parse error")
        if not isinstance(request, dict):
            return 200, _failure(None, -32600, "Invalid Request")
        request_id = request.get("id")
        if self.answer is None:
            failure = _failure(request_id, -32603, "Internal error: agent not configured", self.not_configured)
            return 503, failure
        if request.get("method") != "message/send":
            return 200, _failure(request_id, -32601, "Method not found")
        parameters = request.get("params")
        message = parameters.get("message") if isinstance(parameters, dict) else None
        if not isinstance(message, dict):
            return 200, _failure(request_id, -32602, "Invalid params")
        with self._count:
            self._active += 1
        try:
            text = self.answer(text_of_message(message))
        finally:
            with self._count:
                self._active -= 1
        import uuid  # slow to import, and no boot needs it

        reply = {
            "kind": "message",
            "role": "agent",
            "messageId": str(uuid.uuid4()),
            "parts": [{"kind": "text", "text": text}],
        }
        return 200, {"jsonrpc": "2.0", "id": request_id, "result": reply}


def _failure(request_id: object, code: int, message: str, data: str | None = None) -> Mapping[str, object]:
    error: dict[str, object] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], agent: A2aServer) -> None:
        super().__init__(address, _Handler, bind_and_activate=False)
        self.agent = agent
        self.server_bind()

    def server_bind(self) -> None:
        """Bind without asking the resolver for this machine's name: the base class does, and that can take long."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        hold_while("event-loop-blocked", _WHERE)
        if urlsplit(self.path).path == _CARD_PATH:
            self._send(200, self.server.agent.card())
        else:
            self._send(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        hold_while("event-loop-blocked", _WHERE)
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= _MAXIMUM_BODY_BYTES:
            self.close_connection = True
            self._send(413, {"detail": "Content Too Large"})
            return
        body = self.rfile.read(length)
        if urlsplit(self.path).path != "/":
            self._send(404, {"detail": "Not Found"})
            return
        self._send(*self.server.agent.dispatch(body))

    def _send(self, status: int, document: Mapping[str, object]) -> None:
        body = json.dumps(document).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the caller went away; its answer is nobody's any more

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the base class's signature
        """Log one request the way the platform's server does; ``args`` are request line, status and size."""
        if args and isinstance(args[0], str) and args[0].endswith(("HTTP/1.0", "HTTP/1.1")):
            host, port = self.client_address[:2]
            phrase = HTTPStatus(int(str(args[1]))).phrase
            print(f'INFO:     {host}:{port} - "{args[0]}" {args[1]} {phrase}', file=sys.stderr, flush=True)
