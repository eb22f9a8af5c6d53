"""Who may call what: tenant routing, admin and workspace tokens (docs/platform.md, headers and guards)."""

from e2e.twin.identities import same_token
from e2e.twin.wire import Answer, Call, RefusedError
from e2e.twin.workspace_server.tenant import Tenant

OPEN_PATHS = frozenset({"/health", "/buildinfo", "/metrics", "/registry/register", "/registry/heartbeat"})
ORG_HEADER = "X-Molecule-Org-Id"


class WrongOrganisationError(RefusedError):
    """A bare 404: it does not even say that somebody else is served here."""

    def __init__(self) -> None:
        super().__init__(404, "not found")
        self.answer = Answer(404)


def tenant_guard(tenant: Tenant, call: Call) -> None:
    """Let through what is routed to this tenant.

    Raises:
        RefusedError: 400 without the routing header, a bare 404 with another organisation's.
    """
    if call.path in OPEN_PATHS or call.path.startswith("/cp/"):
        return
    org = call.headers.get(ORG_HEADER.lower())
    if not org:
        raise RefusedError(
            400,
            "missing tenant routing header",
            code="TENANT_ORG_HEADER_REQUIRED",
            required_header=ORG_HEADER,
            detail="requests to a tenant must name the organisation they are meant for",
        )
    if org != tenant.configuration.org_id:
        raise WrongOrganisationError


def admin_guard(tenant: Tenant, call: Call) -> None:
    """Demand the tenant's admin token; a workspace's own token is not one.

    Raises:
        RefusedError: 401.
    """
    token = call.bearer()
    if token is None:
        raise RefusedError(401, "admin auth required")
    if not same_token(token, tenant.configuration.admin_token):
        raise RefusedError(401, "invalid admin auth token")


def workspace_guard(tenant: Tenant, call: Call, workspace_id: str) -> None:
    """Demand a token of this workspace, of either kind, or the admin token.

    Raises:
        RefusedError: 401.
    """
    token = call.bearer()
    if token is None:
        raise RefusedError(401, "missing workspace auth token")
    if not same_token(token, tenant.configuration.admin_token) and not _holds(tenant, workspace_id, token):
        raise RefusedError(401, "invalid workspace auth token")


def caller_guard(tenant: Tenant, call: Call) -> None:
    """Demand that an agent which names itself (``X-Workspace-ID``) holds that workspace's token.

    Raises:
        RefusedError: 401 or, for an id that is not known, 403.
    """
    caller = call.headers.get("x-workspace-id")
    if not caller:
        return
    token = call.bearer()
    if token is None:
        raise RefusedError(401, "missing caller auth token")
    if tenant.workspace(caller) is None:
        raise RefusedError(403, "invalid caller ID")
    if not _holds(tenant, caller, token):
        raise RefusedError(401, "invalid caller auth token")


def registry_guard(tenant: Tenant, call: Call, workspace_id: str) -> None:
    """Demand an instance token once the workspace has one; before that, bootstrap is open.

    Tokens handed out by POST /workspaces are of kind ``api`` and do not close the bootstrap (core#1644).

    Raises:
        RefusedError: 401.
    """
    live = _tokens(tenant, workspace_id, "instance")
    if not live:
        return
    token = call.bearer()
    if token is None:
        raise RefusedError(401, "missing workspace auth token")
    if not any(same_token(token, known) for known in live):
        raise RefusedError(401, "invalid workspace auth token")


def mint_token(tenant: Tenant, workspace_id: str, kind: str) -> str:
    """Make a token of the workspace, ``instance`` or ``api``, and return it: it is shown this once."""
    token = tenant.identities.new_token("mol_ws")
    tenant.database.execute(
        "INSERT INTO workspace_tokens (workspace_id, kind, token) VALUES (?, ?, ?)", workspace_id, kind, token
    )
    return token


def has_instance_token(tenant: Tenant, workspace_id: str) -> bool:
    """Say whether a registration of this workspace already holds a token."""
    return bool(_tokens(tenant, workspace_id, "instance"))


def _holds(tenant: Tenant, workspace_id: str, token: str) -> bool:
    known = _tokens(tenant, workspace_id, "instance") + _tokens(tenant, workspace_id, "api")
    return any(same_token(token, candidate) for candidate in known)


def _tokens(tenant: Tenant, workspace_id: str, kind: str) -> list[str]:
    rows = tenant.database.rows(
        "SELECT token FROM workspace_tokens WHERE workspace_id = ? AND kind = ? AND NOT revoked", workspace_id, kind
    )
    return [str(row["token"]) for row in rows]
