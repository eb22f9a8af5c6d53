"""All routes of the control plane."""

from functools import partial

from e2e.twin.control_plane.estate import Estate
from e2e.twin.control_plane.front_door import FrontDoor
from e2e.twin.control_plane.guards import EstateHandler, for_admin, for_tenants
from e2e.twin.control_plane.orgs import (
    create_org,
    get_admin_token,
    get_boot_events,
    get_diagnostics,
    get_tenant,
    list_orgs,
)
from e2e.twin.control_plane.pins import list_pins, promote
from e2e.twin.control_plane.purge import list_purges, purge_org
from e2e.twin.control_plane.tenants import get_archive, get_configuration, post_boot_event
from e2e.twin.control_plane.workspaces import (
    delete_workspace,
    get_workspace_status,
    provision_workspace,
    restart_workspace,
)
from e2e.twin.wire import Answer, Application, Call, Handler, Route


def handlers_of(estate: Estate) -> list[tuple[str, str, Handler]]:
    """Return method, path and handler of every route of the control plane."""
    handlers: tuple[tuple[str, str, EstateHandler], ...] = (
        ("GET", "/health", _health),
        ("POST", "/cp/admin/orgs", for_admin(create_org)),
        ("GET", "/cp/admin/orgs", for_admin(list_orgs)),
        ("GET", "/cp/admin/orgs/{slug}/admin-token", for_admin(get_admin_token)),
        ("GET", "/cp/admin/tenants/{slug}", for_admin(get_tenant)),
        ("DELETE", "/cp/admin/tenants/{slug}", for_admin(purge_org)),
        ("GET", "/cp/admin/tenants/{slug}/boot-events", for_admin(get_boot_events)),
        ("GET", "/cp/admin/tenants/{slug}/diagnostics", for_admin(get_diagnostics)),
        ("GET", "/cp/admin/purges", for_admin(list_purges)),
        ("POST", "/cp/admin/runtime-image/promote", for_admin(promote)),
        ("GET", "/cp/admin/runtime-image/promote", for_admin(list_pins)),
        ("POST", "/cp/workspaces/provision", for_tenants(provision_workspace)),
        ("GET", "/cp/workspaces/{workspace_id}/status", for_tenants(get_workspace_status)),
        ("POST", "/cp/workspaces/{workspace_id}/restart", for_tenants(restart_workspace)),
        ("DELETE", "/cp/workspaces/{workspace_id}", for_tenants(delete_workspace)),
        ("GET", "/cp/tenants/config", for_tenants(get_configuration)),
        ("POST", "/cp/tenants/boot-event", for_tenants(post_boot_event)),
        ("GET", "/api/v1/repos/{owner}/{repository}/archive/{file:path}", get_archive),
    )
    door = FrontDoor(estate)
    return [(method, path, door.behind(partial(handler, estate))) for method, path, handler in handlers]


def application(estate: Estate) -> Application:
    """Return the web application of the control plane."""
    return Application([Route(method, path, handler) for method, path, handler in handlers_of(estate)])


def _health(_estate: Estate, _call: Call) -> Answer:
    return Answer(200, {"status": "ok"})
