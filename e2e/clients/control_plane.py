"""The control plane's admin API: organisations come and go here (docs/platform.md, control plane)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from e2e.clients.errors import NotReady, Unavailable
from e2e.clients.http import Exchange
from e2e.clients.pace import RequestPace
from e2e.evidence.masking import Secret


@dataclass(frozen=True, slots=True)
class Organisation:
    """A row of the control plane's list. ``status`` is None until an instance row exists."""

    id: str
    slug: str
    name: str
    status: str | None
    last_error: str | None
    created_at: str | None


@dataclass(frozen=True, slots=True)
class Absence:
    """What the control plane says about an organisation that should be gone."""

    gone: bool
    receipt: bool
    saying: str


class ControlPlane:
    """Talks to one control plane with the admin token."""

    def __init__(self, url: str, token: Secret, *, timeout: float, pace: RequestPace | None = None) -> None:
        self._exchange = Exchange(
            url,
            headers={"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"},
            timeout=timeout,
            unavailable="control-plane-unavailable",
            refused="control-plane-unauthorized",
            pace=pace,
        )

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def create_organisation(self, slug: str, name: str, owner: str) -> Organisation:
        """Create a tenant, with exactly one request: a lost answer is not repeated here.

        Raises:
            PlatformError: any answer but a 2xx with an id; 409 (taken) and every other 4xx are final.
        """
        answer = self._exchange.send(
            "POST", "/cp/admin/orgs", body={"slug": slug, "name": name, "owner_user_id": owner}
        )
        self._exchange.require_success(answer, "POST /cp/admin/orgs")
        try:
            return _organisation(answer.json())
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                "control-plane-unavailable", "POST /cp/admin/orgs", status=answer.status, detail="no organisation id"
            ) from error

    def organisations(self) -> list[Organisation]:
        """Return every organisation, newest first.

        Raises:
            PlatformError: the list cannot be had.
        """
        document = self._exchange.get_json("/cp/admin/orgs?limit=500")
        try:
            return [_organisation(row) for row in document["orgs"]]
        except (KeyError, TypeError) as error:
            raise Unavailable("control-plane-unavailable", "GET /cp/admin/orgs", detail="no list of orgs") from error

    def organisation(self, slug: str) -> Organisation | None:
        """Return the organisation with this slug, or None if the list does not have it."""
        return next((row for row in self.organisations() if row.slug == slug), None)

    def admin_token(self, slug: str) -> Secret | None:
        """Return the tenant's admin token, or None while it is not provisioned (404).

        Raises:
            PlatformError: any other answer, or one without a token.
        """
        path = f"/cp/admin/orgs/{quote(slug, safe='')}/admin-token"
        document = self._object_or_absent(path)
        if document is None:
            return None
        token = document.get("admin_token")
        if not isinstance(token, str) or not token:
            raise Unavailable("control-plane-unavailable", f"GET {path}", status=200, detail="no admin_token")
        return Secret(token)

    def tenant_instance(self, slug: str) -> str | None:
        """Return the EC2 instance id of the tenant host, or None if the control plane does not know one.

        Raises:
            PlatformError: the control plane cannot be asked.
        """
        document = self._object_or_absent(f"/cp/admin/tenants/{quote(slug, safe='')}")
        instance_id = document.get("instance_id") if document is not None else None
        return str(instance_id) if instance_id else None

    def diagnostics(self, slug: str) -> Any:
        """Return the control plane's own diagnosis of a tenant, as it is.

        Raises:
            PlatformError: there is none to be had.
        """
        return self._exchange.get_json(f"/cp/admin/tenants/{quote(slug, safe='')}/diagnostics")

    def delete_tenant(self, slug: str, *, timeout: float) -> int:
        """Purge a tenant and return the HTTP status; 2xx is done, 404 is already gone.

        Raises:
            PlatformError: anything else.
        """
        answer = self._exchange.send(
            "DELETE", f"/cp/admin/tenants/{quote(slug, safe='')}", body={"confirm": slug}, timeout=timeout
        )
        if answer.status != 404:
            self._exchange.require_success(answer, f"DELETE /cp/admin/tenants/{slug}")
        return answer.status

    def absence(self, slug: str, organisation_id: str | None) -> Absence:
        """Say whether the organisation is gone: not in the list, the exact 404, and a purge receipt for its id.

        Raises:
            PlatformError: the control plane cannot be asked.
        """
        row = self.organisation(slug)
        if row is not None and row.status != "purged":
            return Absence(False, False, f"still listed, instance_status={row.status}")
        path = f"/cp/admin/tenants/{quote(slug, safe='')}/boot-events?limit=1"
        answer = self._exchange.send("GET", path)
        try:
            exact = answer.status == 404 and answer.json() == {"error": "org not found", "slug": slug}
        except ValueError:
            exact = False
        if not exact:
            return Absence(False, False, f"boot-events answers HTTP {answer.status}, not the exact 404")
        receipt = any(
            row.get("slug") == slug
            and row.get("last_step") == "completed"
            and row.get("completed_at")
            and organisation_id in (None, row.get("org_id"))
            for row in self._purges()
        )
        return Absence(True, receipt, "gone" if receipt else "gone, but no completed purge receipt")

    def _object_or_absent(self, path: str) -> dict[str, Any] | None:
        """Return the object at ``path``, or None where the control plane answers 404."""
        try:
            document = self._exchange.get_json(path)
        except NotReady as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(document, dict):
            raise Unavailable("control-plane-unavailable", f"GET {path}", status=200, detail="not an object")
        return document

    def _purges(self) -> list[dict[str, Any]]:
        document = self._exchange.get_json("/cp/admin/purges?limit=500")
        purges = document.get("purges") if isinstance(document, dict) else None
        if not isinstance(purges, list) or not all(isinstance(row, dict) for row in purges):
            raise Unavailable("control-plane-unavailable", "GET /cp/admin/purges", status=200, detail="no list")
        return purges


def _organisation(row: dict[str, Any]) -> Organisation:
    return Organisation(
        id=str(row["id"]),
        slug=str(row["slug"]),
        name=str(row.get("name", "")),
        status=row.get("instance_status") or None,
        last_error=row.get("last_error") or None,
        created_at=row.get("created_at"),
    )


def parse_time(text: str | None) -> datetime | None:
    """Return a platform time stamp as an aware datetime, or None if there is none or it cannot be read."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None
