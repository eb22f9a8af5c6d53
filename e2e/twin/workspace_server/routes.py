"""All routes of one workspace-server."""

from collections.abc import Callable
from functools import partial

from e2e.twin.wire import Answer, Application, Call, Handler, Route
from e2e.twin.workspace_server.agent_proxy import send_message
from e2e.twin.workspace_server.concierge import install_row, installed, read_install
from e2e.twin.workspace_server.creation import DEFAULT_RUNTIME, create_workspace
from e2e.twin.workspace_server.guards import admin_guard, tenant_guard
from e2e.twin.workspace_server.heartbeat import heartbeat
from e2e.twin.workspace_server.plugins import install_plugin, list_plugins
from e2e.twin.workspace_server.provision import provision_in_background
from e2e.twin.workspace_server.register import register
from e2e.twin.workspace_server.restart import restart_workspace
from e2e.twin.workspace_server.tenant import Tenant
from e2e.twin.workspace_server.turn_queue import queue_item
from e2e.twin.workspace_server.workspaces import delete_workspace, get_model, get_workspace, list_workspaces

TenantHandler = Callable[[Tenant, Call], Answer]


def handlers_of(tenant: Tenant) -> list[tuple[str, str, Handler]]:
    """Return method, path and handler of every route of ``tenant``, without the tenant guard."""
    handlers: tuple[tuple[str, str, TenantHandler], ...] = (
        ("GET", "/health", _health),
        ("GET", "/buildinfo", _build),
        ("GET", "/org/identity", _identity),
        ("GET", "/templates", _templates),
        ("GET", "/workspaces", list_workspaces),
        ("POST", "/workspaces", create_workspace),
        ("GET", "/workspaces/{workspace_id}", get_workspace),
        ("DELETE", "/workspaces/{workspace_id}", delete_workspace),
        ("GET", "/workspaces/{workspace_id}/model", get_model),
        ("POST", "/workspaces/{workspace_id}/restart", restart_workspace),
        ("POST", "/workspaces/{workspace_id}/a2a", send_message),
        ("GET", "/workspaces/{workspace_id}/a2a/queue/{queue_id}", queue_item),
        ("GET", "/workspaces/{workspace_id}/plugins", list_plugins),
        ("POST", "/workspaces/{workspace_id}/plugins", install_plugin),
        ("POST", "/registry/register", register),
        ("POST", "/registry/heartbeat", heartbeat),
        ("POST", "/admin/org/platform-agent", _install_platform_agent),
    )
    return [(method, path, partial(handler, tenant)) for method, path, handler in handlers]


def application(tenant: Tenant) -> Application:
    """Return the web application of ``tenant``."""
    routes = [Route(method, path, handler) for method, path, handler in handlers_of(tenant)]
    return Application(routes, guard=partial(tenant_guard, tenant))


def _health(_tenant: Tenant, _call: Call) -> Answer:
    return Answer(200, {"status": "ok"})


def _build(tenant: Tenant, _call: Call) -> Answer:
    return Answer(200, {"git_sha": tenant.configuration.build})


def _identity(tenant: Tenant, _call: Call) -> Answer:
    configuration = tenant.configuration
    return Answer(
        200,
        {
            "name": configuration.org_name,
            "slug": configuration.org_slug,
            "org_id": configuration.org_id,
            "platform_managed_available": True,
        },
    )


def _templates(tenant: Tenant, call: Call) -> Answer:
    admin_guard(tenant, call)
    return Answer(200, [{"id": DEFAULT_RUNTIME, "name": "Claude Code Agent", "runtime": DEFAULT_RUNTIME}])


def _install_platform_agent(tenant: Tenant, call: Call) -> Answer:
    workspace_id, name = read_install(tenant, call)
    install_row(tenant, workspace_id, name)
    row = tenant.workspace(workspace_id)
    if row is not None and row["status"] == "offline" and not row["instance_id"]:
        provision_in_background(tenant, workspace_id)
    return installed(workspace_id)
