"""A real HTTP server that answers as a test tells it to, and remembers what it was asked."""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest


@dataclass(frozen=True)
class Reply:
    """An answer, or how the server breaks off instead of one."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    instead: str = ""


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


class Platform:
    """The server: ``answers`` says what it answers next; the last answer is given again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Seen] = []
        self.over = threading.Event()
        self._by_path: dict[str, list[Reply]] = {}

    def answers(self, *replies: object, at: str = "", status: int = 200, **headers: str) -> None:
        """Set the answers at a path, everywhere without one: replies as they are, bytes and documents as bodies."""
        self._by_path[at] = [_reply(reply, status, headers) for reply in replies]

    def breaks_off(self, how: str, at: str = "") -> None:
        """Break off instead of answering: ``reset``, ``hang``, ``cut``, ``trickle``, ``garbage``."""
        self._by_path[at] = [Reply(instead=how)]

    def next(self, path: str) -> Reply:
        """Return the next answer for a path."""
        replies = self._by_path.get(path) or self._by_path[""]
        return replies.pop(0) if len(replies) > 1 else replies[0]


def _reply(reply: object, status: int, headers: Mapping[str, str]) -> Reply:
    if isinstance(reply, Reply):
        return reply
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the platform of the test."""

    protocol_version = "HTTP/1.1"
    platform: ClassVar[Platform]

    def handle_one_request(self) -> None:
        """Answer a request; a client that went away is none of our business."""
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.platform.requests.append(Seen(self.command, self.path, dict(self.headers.items()), body))
        reply = self.platform.next(self.path)
        if reply.instead:
            self.close_connection = True
            getattr(self, f"_{reply.instead}")()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _hang(self) -> None:
        self.platform.over.wait(30)

    def _cut(self) -> None:
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": ')

    def _trickle(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.platform.over.wait(0.02):
            self.wfile.write(b" ")

    def _garbage(self) -> None:
        self.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


for method in ("GET", "POST", "DELETE"):
    setattr(Handler, f"do_{method}", Handler._answer)


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Serve on loopback until the test is over."""

    class Bound(Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Bound) as server:
        server.daemon_threads = False
        Bound.platform = told = Platform(f"http://127.0.0.1:{server.server_port}")
        told.answers({})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        try:
            yield told
        finally:
            told.over.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def closed_port() -> Iterator[str]:
    """Return an address at which nobody listens, kept from others while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
