"""The client behind every management tool: the org key as bearer, no retries, and never an exception.

Every HTTP failure is a value that becomes a normal tool result (docs/platform.md, management MCP: errors): callers must
look into the text, since the MCP layer does not call it an error.
"""

import json
from collections.abc import Mapping

from molecule_mcp_server.http_request import UnreachableError, send_request
from molecule_mcp_server.settings import ServerSettings

__all__ = ["ManagementClient"]

_REFUSED = frozenset({401, 403})
_TOO_MANY = 429


class ManagementClient:
    """Speaks to the tenant with the organisation's key."""

    def __init__(self, settings: ServerSettings) -> None:
        """Take where to speak to, and as whom."""
        self._settings = settings

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> object:
        """Send one request and return the answer's document, or an object with ``error`` that says what was wrong.

        Without a key, or without an organisation to route to, nothing is sent at all.
        """
        settings = self._settings
        if not settings.org_api_key:
            return {"error": "AUTH_ERROR", "detail": "MOLECULE_ORG_API_KEY is required for management tools."}
        if not settings.org_headers():
            return {"error": "AUTH_ERROR", "detail": "MOLECULE_ORG_ID or MOLECULE_ORG_SLUG is required."}
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {settings.org_api_key}",
            **settings.org_headers(),
            **(extra_headers or {}),
        }
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = send_request(method, settings.base_url + path, headers, data, settings.request_cap_seconds)
        except UnreachableError as error:
            return {"error": f"Tenant host unreachable at {settings.base_url}", "detail": str(error)}
        if answer.status in _REFUSED:
            return {"error": "AUTH_ERROR", "detail": answer.text, "status": answer.status}
        if answer.status == _TOO_MANY:
            return {"error": "RATE_LIMITED", "detail": answer.text, "status": answer.status}
        if not 200 <= answer.status < 300:
            return {"error": f"HTTP {answer.status}", "detail": answer.text, "status": answer.status}
        try:
            document: object = json.loads(answer.text)
        except (ValueError, RecursionError):
            return {"raw": answer.text, "status": answer.status}
        return document
