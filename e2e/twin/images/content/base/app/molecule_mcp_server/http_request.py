"""One HTTP request, as the fetch of the platform's server makes it: redirects followed, nothing sent twice."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

__all__ = ["HttpAnswer", "UnreachableError", "send_request"]

_MAXIMUM_REDIRECTS = 20
_METHOD_LOST = frozenset({301, 302, 303})
_METHOD_KEPT = frozenset({307, 308})
_MAXIMUM_ANSWER_BYTES = 16 * 1024 * 1024


class UnreachableError(Exception):
    """No HTTP answer came."""


class HttpAnswer(NamedTuple):
    """The last answer of a request; ``retry_after`` is that header as it came, or empty."""

    status: int
    retry_after: str
    text: str


def send_request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
) -> HttpAnswer:
    """Send one request and follow redirects: a POST that meets a 301, 302 or 303 goes on as a GET without its body.

    Raises:
        UnreachableError: the URL is unusable, or no answer came within ``timeout_seconds`` (wall) of silence.
    """
    for _ in range(_MAXIMUM_REDIRECTS):
        answer, location = _send(method, url, headers, body, timeout_seconds)
        if location is None or answer.status not in _METHOD_LOST | _METHOD_KEPT:
            return answer
        url = urljoin(url, location)
        if answer.status in _METHOD_LOST and method == "POST":
            method, body = "GET", None
    raise UnreachableError("redirect count exceeded")


def _send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
) -> tuple[HttpAnswer, str | None]:
    try:
        parts = urlsplit(url)
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = connect(parts.hostname or "", parts.port, timeout=timeout_seconds)
    except ValueError as error:
        raise UnreachableError(f"Failed to parse URL from {url}") from error
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    standing = {"Accept": "*/*", "User-Agent": "node", "Accept-Language": "*", "Sec-Fetch-Mode": "cors"}
    try:
        connection.request(method, target, body, {**headers, **standing})
        answer = connection.getresponse()
        text = answer.read(_MAXIMUM_ANSWER_BYTES).decode("utf-8", "replace")
        return HttpAnswer(answer.status, answer.getheader("Retry-After", ""), text), answer.getheader("Location")
    except (OSError, HTTPException, ValueError) as error:
        raise UnreachableError("fetch failed") from error
    finally:
        connection.close()
