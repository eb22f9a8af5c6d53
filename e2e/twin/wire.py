"""The twin's HTTP servers in small: a handler takes a :class:`Call` and gives an :class:`Answer`.

Handlers are plain functions that may block (SQLite, a request to another part of the twin): each runs in a thread of
its application's own pool, so that a chat turn of a minute never holds up a heartbeat.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

Document = dict[str, Any]
"""A JSON object as it travels."""

THREADS = 256
"""Handlers that may be at work at once in one application; threads are made on demand."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read completely. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    raw_target: str = ""

    def bearer(self) -> str | None:
        """Return the token of ``Authorization: Bearer``, or None where there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def json_object(self) -> Document | None:
        """Return the body as a JSON object, or None where it is anything else."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. ``body`` wins over ``document``; neither means an empty body."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def content(self) -> tuple[bytes, Mapping[str, str]]:
        """Return the bytes and the headers that go on the wire."""
        if self.body is not None:
            return self.body, self.headers
        if self.document is None:
            return b"", self.headers
        text = json.dumps(self.document, separators=(",", ":"), ensure_ascii=False)
        return text.encode(), {"content-type": "application/json; charset=utf-8", **self.headers}


class RefusedError(Exception):
    """A handler's early answer: everything that is not the way the caller wished."""

    def __init__(self, status: int, error: str, /, **fields: Any) -> None:
        super().__init__(f"{status} {error}")
        self.answer = Answer(status, {"error": error, **fields})


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path (Starlette's ``{name}`` or ``{name:path}``), with the function that answers it."""

    method: str
    path: str
    handler: Handler


class Application:
    """An ASGI application made of routes. ``guard`` sees every call first and may raise :class:`RefusedError`."""

    def __init__(self, routes: Sequence[Route], guard: Callable[[Call], None] | None = None) -> None:
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="http")
        self._guard = guard
        by_path: dict[str, dict[str, Handler]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route.handler
        self.asgi = Starlette(
            routes=[
                StarletteRoute(path, self._endpoint(handlers), methods=list(handlers))
                for path, handlers in by_path.items()
            ]
        )

    def close(self) -> None:
        """Take no more calls; the threads end when their handlers return."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _endpoint(self, handlers: Mapping[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            call = await _read(request)
            handler = handlers["GET" if call.method == "HEAD" else call.method]
            loop = asyncio.get_running_loop()
            return _response(await loop.run_in_executor(self._pool, self._answer, handler, call))

        return endpoint

    def _answer(self, handler: Handler, call: Call) -> Answer:
        try:
            if self._guard is not None:
                self._guard(call)
            return handler(call)
        except RefusedError as refusal:
            return refusal.answer


async def _read(request: Request) -> Call:
    target = request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace")
    return Call(
        method=request.method,
        path=request.url.path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        parameters={name: str(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        raw_target=f"{target}?{request.url.query}" if request.url.query else target,
    )


def _response(answer: Answer) -> Response:
    body, headers = answer.content()
    return Response(body, status_code=answer.status, headers=dict(headers))
