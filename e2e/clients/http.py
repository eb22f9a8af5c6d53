"""One HTTP exchange with the platform, with strict time-outs and typed errors."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from e2e.clients.errors import NotReady, Refused, Rejected, Unavailable
from e2e.clients.pace import RequestPace

_EXCERPT = 400
CONNECT_SECONDS = 10.0
"""Wall seconds after which a host that does not even accept a connection counts as not there."""
MAX_ANSWER_BYTES = 32 << 20
"""The longest answer that is read; the platform's longest list is far below it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer. It has no truth value of its own: look at ``status``."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            ValueError: the body is not JSON, or nested deeper than any answer of the platform.
        """
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("the answer is nested too deeply") from error

    @property
    def is_html(self) -> bool:
        """Whether the body is a page: the tenant's front end answers in place of an API that is not wired yet."""
        return self.body.lstrip()[:1] == b"<"

    def excerpt(self) -> str:
        """Return the ``error`` text of the body, or its beginning."""
        try:
            document = self.json()
        except ValueError:
            return self.body[:_EXCERPT].decode("utf-8", "replace")
        if isinstance(document, dict) and isinstance(document.get("error"), str):
            return str(document["error"])[:_EXCERPT]
        return json.dumps(document)[:_EXCERPT]

    def __bool__(self) -> bool:
        """Refuse to be used as a condition.

        Raises:
            TypeError: always.
        """
        raise TypeError("an Answer has no truth value; look at its status")


class Exchange:
    """Sends requests to one origin with fixed headers.

    ``unavailable`` and ``refused`` are the cause ids that a missing or useless answer and refused credentials stand for
    at this origin. Time-outs are wall seconds; an answer that only trickles in is given up after twice the time-out.
    ``pace`` keeps the rate of requests. The client is safe to use from several threads.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        unavailable: str,
        refused: str,
        pace: RequestPace | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._unavailable = unavailable
        self._refused = refused
        self._pace = pace
        self._client = httpx.Client(
            headers=dict(headers),
            trust_env=False,
            verify=self.base_url.startswith("https:"),
            follow_redirects=False,
        )
        self.requests_sent = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send one request, once, and return whatever was answered.

        Raises:
            Unavailable: no complete answer came; for a request that changes something, it may have acted.
        """
        if self._pace is not None:
            self._pace.wait()
        self.requests_sent += 1
        seconds = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        try:
            with self._client.stream(
                method,
                self.base_url + path,
                json=body,
                headers=dict(headers or {}),
                timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            ) as response:
                content = _read(response, deadline)
        except (httpx.RequestError, _Unreadable) as error:
            detail = f"{type(error).__name__.lstrip('_')}: {error}"
            raise Unavailable(self._unavailable, f"{method} {path}", detail=detail) from error
        return Answer(response.status_code, dict(response.headers), content)

    def get_json(self, path: str, *, timeout: float | None = None) -> Any:
        """Return the JSON of a GET.

        Raises:
            Unavailable: no answer, or 5xx.
            Refused: 401 or 403.
            NotReady: 404, or a body that is not JSON.
            Rejected: any other 4xx.
        """
        answer = self.send("GET", path, timeout=timeout)
        self.require_success(answer, f"GET {path}")
        if answer.is_html:
            raise NotReady(self._unavailable, f"GET {path}", status=answer.status, detail="a page where JSON is due")
        try:
            return answer.json()
        except ValueError as error:
            raise NotReady(self._unavailable, f"GET {path}", status=answer.status, detail="not JSON") from error

    def require_success(self, answer: Answer, what: str) -> None:
        """Turn an answer that is not 2xx into its typed error.

        Raises:
            Unavailable: 3xx, 408, 429 or 5xx.
            Refused: 401 or 403.
            NotReady: 404.
            Rejected: any other 4xx.
        """
        status = answer.status
        if 200 <= status < 300:
            return
        if status in (401, 403):
            raise Refused(self._refused, what, status=status, detail=answer.excerpt())
        if status == 404:
            raise NotReady(self._unavailable, what, status=status, detail=answer.excerpt())
        if status in (408, 429) or status >= 500 or status < 400:
            raise Unavailable(self._unavailable, what, status=status, detail=answer.excerpt())
        raise Rejected(self._unavailable, what, status=status, detail=answer.excerpt())


class _Unreadable(Exception):
    """The answer began and is not worth waiting for."""


def _read(response: httpx.Response, deadline: float) -> bytes:
    """Return the whole body; ``deadline`` is on the monotonic clock.

    Raises:
        _Unreadable: it is too long, or comes too slowly.
        httpx.RequestError: it broke off, or cannot be decoded.
    """
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise _Unreadable(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise _Unreadable("the answer trickles in and does not end")
    return bytes(content)
