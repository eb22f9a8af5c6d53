"""A tenant's own API: workspaces, and the registry's public door (docs/platform.md, tenant API)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from e2e.clients.errors import NotReady, Unavailable
from e2e.clients.http import Answer, Exchange
from e2e.evidence.masking import Secret

_NOT_FOUND = "workspace not found"


@dataclass(frozen=True, slots=True)
class TenantAddress:
    """Where a tenant is found and the headers that lead there.

    ``url`` is a template; live ones contain ``{slug}``, the twin's does not and is told the tenant by headers.
    """

    url: str
    domain: str

    def base_url(self, slug: str) -> str:
        """Return the tenant's base URL."""
        return self.url.replace("{slug}", slug)

    def headers(self, slug: str, organisation_id: str) -> dict[str, str]:
        """Return the headers that every request to the tenant carries; without ``Origin`` the edge answers 404."""
        return {
            "Host": f"{slug}.{self.domain}",
            "Origin": f"https://{slug}.{self.domain}",
            "X-Molecule-Org-Id": organisation_id,
            "Accept": "application/json",
        }


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """A workspace as the tenant API shows it; fields the answer lacks are None."""

    id: str
    name: str
    kind: str | None
    parent_id: str | None
    status: str
    url: str | None
    runtime: str | None
    last_heartbeat_at: str | None
    last_sample_error: str | None
    wedged: bool | None


class Tenant:
    """Talks to one tenant as its administrator."""

    def __init__(
        self, address: TenantAddress, slug: str, organisation_id: str, token: Secret, *, timeout: float
    ) -> None:
        headers = address.headers(slug, organisation_id) | {"Authorization": f"Bearer {token.reveal()}"}
        self.exchange = Exchange(
            address.base_url(slug),
            headers=headers,
            timeout=timeout,
            unavailable="tenant-half-wired",
            refused="tenant-unauthorized",
        )

    def close(self) -> None:
        """Close the connections."""
        self.exchange.close()

    def health(self) -> int:
        """Return the HTTP status of ``/health``.

        Raises:
            Unavailable: no answer.
        """
        return self.exchange.send("GET", "/health").status

    def buildinfo(self) -> dict[str, Any]:
        """Return ``/buildinfo``: which build of the workspace-server runs."""
        document = self.exchange.get_json("/buildinfo")
        return dict(document) if isinstance(document, dict) else {}

    def workspaces(self) -> list[WorkspaceRow]:
        """Return every workspace that is not removed; only this list shows ``last_sample_error``.

        Raises:
            NotReady: a page, or anything but a JSON array.
            PlatformError: the list cannot be had.
        """
        document = self.exchange.get_json("/workspaces")
        if not isinstance(document, list):
            raise NotReady("tenant-half-wired", "GET /workspaces", status=200, detail="not an array")
        return [_row(item) for item in document]

    def workspace(self, workspace_id: str) -> WorkspaceRow | None:
        """Return one workspace, or None where the tenant itself says that it is not there or was removed.

        The edge answers 404 as well, for a tenant that is gone or not there yet; that says nothing of a workspace.

        Raises:
            PlatformError: anything else.
        """
        answer = self.exchange.send("GET", f"/workspaces/{quote(workspace_id, safe='')}")
        if answer.status == 410 or (answer.status == 404 and answer.excerpt() == _NOT_FOUND):
            return None
        self.exchange.require_success(answer, "GET /workspaces/:id")
        return _row(_object(answer))

    def named(self, name: str) -> list[WorkspaceRow]:
        """Return the workspaces with exactly this name."""
        return [row for row in self.workspaces() if row.name == name]

    def post_control_refusal(self, control_id: str) -> int:
        """Post a register call that must be refused before any write, and return the HTTP status.

        Its kind is invalid, so the registry logs the refusal with ``control_id`` and does nothing else: whoever finds
        that line knows that the log can be read.

        Raises:
            Unavailable: no answer.
        """
        body = {"id": control_id, "agent_card": {"name": "control"}, "kind": "harness-control"}
        return self.exchange.send("POST", "/registry/register", body=body).status

    def delete_workspace(self, row: WorkspaceRow) -> int:
        """Remove a workspace and return the HTTP status; 404 and 410 mean it is gone already.

        Raises:
            PlatformError: anything else.
        """
        answer = self.exchange.send(
            "DELETE", f"/workspaces/{quote(row.id, safe='')}?confirm=true", headers={"X-Confirm-Name": row.name}
        )
        if answer.status not in (404, 410):
            self.exchange.require_success(answer, "DELETE /workspaces/:id")
        return answer.status


def _object(answer: Answer) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError as error:
        raise NotReady("tenant-half-wired", "GET /workspaces/:id", status=answer.status, detail="not JSON") from error
    if not isinstance(document, dict):
        raise NotReady("tenant-half-wired", "GET /workspaces/:id", status=answer.status, detail="not an object")
    return document


def _row(item: dict[str, Any]) -> WorkspaceRow:
    try:
        return WorkspaceRow(
            id=str(item["id"]),
            name=str(item["name"]),
            kind=item.get("kind"),
            parent_id=item.get("parent_id"),
            status=str(item["status"]),
            url=item.get("url") or None,
            runtime=item.get("runtime"),
            last_heartbeat_at=item.get("last_heartbeat_at"),
            last_sample_error=item.get("last_sample_error") or None,
            wedged=item.get("wedged"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Unavailable("tenant-half-wired", "GET /workspaces", detail=f"a row without {error}") from error
