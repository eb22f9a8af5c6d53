"""One HTTP exchange with the platform, with strict time-outs and typed errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from e2e.clients.errors import NotReady, Refused, Rejected, Unavailable

_EXCERPT = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer. It has no truth value of its own: look at ``status``."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            ValueError: the body is not JSON.
        """
        return json.loads(self.body)

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

    ``unavailable`` and ``refused`` are the cause ids that a missing answer and refused credentials stand for at this
    origin. Time-outs are wall seconds. The client is safe to use from several threads.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        unavailable: str,
        refused: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._unavailable = unavailable
        self._refused = refused
        self._client = httpx.Client(
            headers=dict(headers),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            transport=transport,
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
        self.requests_sent += 1
        try:
            response = self._client.request(
                method,
                self.base_url + path,
                json=body,
                headers=dict(headers or {}),
                timeout=self._timeout if timeout is None else timeout,
            )
        except httpx.TransportError as error:
            detail = f"{type(error).__name__}: {error}"
            raise Unavailable(self._unavailable, f"{method} {path}", detail=detail) from error
        return Answer(response.status_code, dict(response.headers), response.content)

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
            raise NotReady("tenant-half-wired", f"GET {path}", status=answer.status, detail="a page where JSON is due")
        try:
            return answer.json()
        except ValueError as error:
            raise NotReady("tenant-half-wired", f"GET {path}", status=answer.status, detail="not JSON") from error

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
            raise NotReady("tenant-half-wired", what, status=status, detail=answer.excerpt())
        if status in (408, 429) or status >= 500 or status < 400:
            raise Unavailable(self._unavailable, what, status=status, detail=answer.excerpt())
        raise Rejected("control-plane-unavailable", what, status=status, detail=answer.excerpt())
