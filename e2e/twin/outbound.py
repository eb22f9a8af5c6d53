"""HTTP requests that the twin's parts make to each other: one connection each, one named timeout."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class UnreachableError(Exception):
    """No answer came: refused, reset, timed out, or not HTTP. The message says which."""


class TooSlowError(UnreachableError):
    """The other side took the request and did not answer in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def document(self) -> Any:
        """Return the body as JSON, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def request(
    method: str, url: str, *, timeout: float, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """Make one request and read the whole answer. ``timeout`` is wall seconds for each wait on the socket.

    Raises:
        TooSlowError: the time was over.
        UnreachableError: there was no HTTP answer for another reason.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})
    except TimeoutError as error:
        raise TooSlowError(f"no answer within {timeout:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def request_json(
    method: str, url: str, document: object = None, *, timeout: float, headers: Mapping[str, str] | None = None
) -> Reply:
    """Make one request with a JSON body (none where ``document`` is None). Raises as :func:`request`."""
    body = None if document is None else json.dumps(document).encode()
    return request(
        method, url, timeout=timeout, headers={"Content-Type": "application/json", **(headers or {})}, body=body
    )
