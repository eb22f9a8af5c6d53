"""The outside door of all tenants: one port, which hands each request to the tenant that it is meant for.

It stands for DNS, edge and firewall: the tenant is the first label of ``Host`` under the tenant domain, else the one of
``X-Molecule-Org-Id`` or ``-Slug``; a request without ``Origin`` is turned away with 404 (docs/platform.md, headers).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from e2e.twin.clock import PlatformClock
from e2e.twin.faults.plan import FaultSwitch
from e2e.twin.outbound import TooSlowError, UnreachableError, request
from e2e.twin.wire import Answer, Application, Call, RefusedError, Route

OPEN_PATHS = frozenset({"/health", "/buildinfo"})
PASS_SECONDS = 600.0
"""Platform seconds that a tenant has for an answer; longer than a whole chat turn."""

_FRONT_END = (
    b'<!DOCTYPE html><html lang="en"><head><title>Molecule AI</title></head><body><div id="root"></div></body></html>\n'
)
"""What the tenant's front end answers for every path that it does not know."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NOT_PASSED_ON = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"}
)


@dataclass(frozen=True, slots=True)
class TenantDoor:
    """Where one tenant listens; ``url`` is an empty text while it does not listen yet."""

    org_id: str
    url: str


class Tenants(Protocol):
    """Knows where tenants listen. Implemented by the control plane's ``Estate``."""

    def tenant_door(self, *, slug: str = "", org_id: str = "") -> TenantDoor | None:
        """Return the tenant's door, found by slug or by id; None for no such tenant."""


class Gateway:
    """Finds the tenant of each request and passes the request on."""

    def __init__(self, tenants: Tenants, clock: PlatformClock, tenant_domain: str, faults: FaultSwitch) -> None:
        self._tenants = tenants
        self._clock = clock
        self._faults = faults
        self._suffix = f".{tenant_domain}"

    def application(self) -> Application:
        """Return the web application of the gateway."""
        return Application([Route(method, "/{path:path}", self.pass_on) for method in _METHODS])

    def pass_on(self, call: Call) -> Answer:
        """Answer any request with what its tenant answers."""
        if "origin" not in call.headers and call.path not in OPEN_PATHS:
            raise RefusedError(404, "not found")
        door = self._door(call)
        if door is None:
            raise RefusedError(404, "no such tenant")
        if not door.url:
            return _edge_error(502, "Bad Gateway")
        if call.path not in OPEN_PATHS and self._faults.acts("tenant-half-wired", f"{call.method} {call.path}"):
            return Answer(200, body=_FRONT_END, headers={"content-type": "text/html; charset=utf-8"})
        headers = _passed_on(call.headers)
        if "x-molecule-org-slug" in headers:
            headers.setdefault("x-molecule-org-id", door.org_id)
        try:
            reply = request(
                call.method,
                door.url + call.raw_target,
                timeout=self._clock.real(PASS_SECONDS),
                headers=headers,
                body=call.body or None,
            )
        except TooSlowError:
            return _edge_error(524, "A Timeout Occurred")
        except UnreachableError:
            return _edge_error(502, "Bad Gateway")
        return Answer(reply.status, body=reply.body, headers=_passed_on(reply.headers))

    def _door(self, call: Call) -> TenantDoor | None:
        host = call.headers.get("host", "").partition(":")[0]
        if host.endswith(self._suffix):
            return self._tenants.tenant_door(slug=host.removesuffix(self._suffix))
        if "x-molecule-org-id" in call.headers:
            return self._tenants.tenant_door(org_id=call.headers["x-molecule-org-id"])
        if "x-molecule-org-slug" in call.headers:
            return self._tenants.tenant_door(slug=call.headers["x-molecule-org-slug"])
        return None


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _NOT_PASSED_ON}


def _edge_error(status: int, title: str) -> Answer:
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, body=page.encode(), headers={"content-type": "text/html; charset=utf-8"})
