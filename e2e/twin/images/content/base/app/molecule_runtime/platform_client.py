"""Posts JSON to the platform: one connection per request, and a timeout on each."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["PlatformAnswer", "PlatformClient", "TransportError"]

_MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024


class TransportError(Exception):
    """No HTTP answer came; the text is the ``repr`` of what happened."""


class PlatformAnswer(NamedTuple):
    """An HTTP answer of the platform, whatever its status."""

    status: int
    body: bytes

    def json_object(self) -> dict[str, object]:
        """Return the body as a JSON object; raises ``ValueError`` if it is not one."""
        document = json.loads(self.body)
        if not isinstance(document, dict):
            raise ValueError("the answer is not a JSON object")  # noqa: TRY004 - a value of the wire, not a type of ours
        return document


class PlatformClient:
    """Speaks to the platform at one base URL."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        """Take the base URL of the tenant and the wall seconds one request may take."""
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds

    def post(self, path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> PlatformAnswer:
        """Post ``body`` once; raises :class:`TransportError` if no HTTP answer came."""
        url = urlsplit(self._base_url)
        connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = connect(url.hostname or "", url.port, timeout=self._timeout_seconds)
        all_headers = {"Content-Type": "application/json", "Origin": self._base_url, **headers}
        try:
            connection.request("POST", url.path.rstrip("/") + path, json.dumps(body).encode(), all_headers)
            answer = connection.getresponse()
            return PlatformAnswer(answer.status, answer.read(_MAXIMUM_ANSWER_BYTES))
        except (OSError, HTTPException) as error:
            raise TransportError(repr(error)) from error
        finally:
            connection.close()
