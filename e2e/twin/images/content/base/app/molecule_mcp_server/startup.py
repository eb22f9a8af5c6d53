"""What the server does before it speaks MCP: two looks at the platform, neither of which keeps it from starting.

A look has no timeout of its own, so a platform that hangs delays the first MCP answer by as long (docs/platform.md,
management MCP: start-up). Everything is told on stderr: stdout belongs to the protocol. The release of June 2026 told
it on stdout all the same, in the middle of the protocol; that is a fault that can be switched on.
"""

import os
import sys
import time
from collections.abc import Callable

from molecule_runtime.delivery_contract import delivery_contract
from molecule_runtime.faults import acts

from molecule_mcp_server.http_request import HttpAnswer, UnreachableError, send_request
from molecule_mcp_server.settings import ServerSettings

__all__ = ["VERSION", "look_at_platform", "server_name"]

VERSION = "1.0.0"
_RETRIES = 3
_RETRY_CAP_SECONDS = 30.0
_TOO_MANY = 429


def server_name(settings: ServerSettings) -> str:
    """Return the name that the server calls itself by, which follows from its mode."""
    if settings.is_management:
        return delivery_contract().mcp_server_name
    return "molecule-self" if settings.mode == "self" else "molecule-a2a"


def look_at_platform(settings: ServerSettings, pause: Callable[[float], object] = time.sleep) -> None:
    """Ask ``/health``, then ``/templates`` if there is an API key, and tell what came of it. Never raises."""
    url = settings.base_url
    try:
        answer = send_request("GET", f"{url}/health", {}, None, settings.request_cap_seconds)
    except UnreachableError:
        _tell(f"Cannot reach Molecule AI platform at {url}. Start it with: cd platform && go run ./cmd/server")
    else:
        if 200 <= answer.status < 300:
            _tell("Molecule AI platform connected")
        else:
            _tell(f"Molecule AI platform at {url} returned {answer.status}. Tools may fail.")
    if not settings.api_key:
        _tell("MOLECULE_API_KEY not set — running unauthenticated (dev / no-auth localhost).")
        return
    try:
        answer = _templates(settings, pause)
    except UnreachableError:
        return
    if answer.status in (401, 403):
        _tell(f"AUTH_ERROR: MOLECULE_API_KEY rejected by {url} (HTTP {answer.status})")
    elif 200 <= answer.status < 300:
        _tell("MOLECULE_API_KEY accepted by platform")


def _templates(settings: ServerSettings, pause: Callable[[float], object]) -> HttpAnswer:
    headers = {"Authorization": f"Bearer {settings.api_key}", **settings.org_headers()}
    for attempt in range(_RETRIES + 1):
        answer = send_request("GET", f"{settings.base_url}/templates", headers, None, settings.request_cap_seconds)
        if answer.status != _TOO_MANY or attempt == _RETRIES:
            break
        pause(_retry_after(answer, attempt))
    return answer


def _retry_after(answer: HttpAnswer, attempt: int) -> float:
    try:
        return min(float(answer.retry_after or 2**attempt), _RETRY_CAP_SECONDS)
    except ValueError:
        return float(2**attempt)


def _tell(line: str) -> None:
    if acts("noise-in-mcp-stdout", "log of the management MCP"):
        moment = time.strftime("%H:%M:%S", time.gmtime())
        print(f"[{moment}.000] \x1b[32mINFO\x1b[39m ({os.getpid()}): \x1b[36m{line}\x1b[39m", flush=True)
    else:
        print(line, file=sys.stderr, flush=True)
