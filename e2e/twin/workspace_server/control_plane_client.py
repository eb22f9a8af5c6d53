"""What the workspace-server asks of the control plane: hosts for its workspaces (docs/platform.md, provision)."""

import base64
from collections.abc import Mapping

from e2e.twin.database import Row
from e2e.twin.outbound import UnreachableError, request_json
from e2e.twin.workspace_server.tenant import Tenant

REQUEST_SECONDS = 60.0
"""Platform seconds that the control plane has for an answer."""


class ProvisionError(Exception):
    """The control plane did not do it; the message says why."""


def provision(tenant: Tenant, row: Row, environment: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Ask for a host with the workspace's container on it and return the instance id.

    ``files`` go into the host's ``/configs``, name -> text.

    Raises:
        ProvisionError: the control plane refused or could not be reached.
    """
    body = {
        "org_id": tenant.configuration.org_id,
        "workspace_id": row["id"],
        "runtime": row["runtime"],
        "platform_url": tenant.own_url,
        "template": row["template"],
        "tier": row["tier"],
        "env": dict(environment),
        "config_files": {name: base64.b64encode(text.encode()).decode() for name, text in files.items()},
    }
    if row["kind"] == "platform":
        body["kind"] = "platform"
    answer = _ask(tenant, "POST", "/cp/workspaces/provision", body)
    instance_id = answer.get("instance_id")
    if not isinstance(instance_id, str) or not instance_id:
        raise ProvisionError("the control plane answered without an instance_id")
    return instance_id


def deprovision(tenant: Tenant, workspace_id: str, instance_id: str) -> None:
    """Have the workspace's host terminated. Raises as :func:`provision`."""
    _ask(tenant, "DELETE", f"/cp/workspaces/{workspace_id}?instance_id={instance_id}", None)


def restart(tenant: Tenant, workspace_id: str) -> None:
    """Have the workspace's container stopped and started on the host it has. Raises as :func:`provision`."""
    _ask(tenant, "POST", f"/cp/workspaces/{workspace_id}/restart", {})


def _ask(tenant: Tenant, method: str, path: str, body: object) -> Mapping[str, object]:
    configuration = tenant.configuration
    headers = {
        "Authorization": f"Bearer {configuration.shared_secret}",
        "X-Molecule-Admin-Token": configuration.admin_token,
    }
    url = configuration.control_plane_url + path
    try:
        reply = request_json(method, url, body, timeout=tenant.clock.real(REQUEST_SECONDS), headers=headers)
    except UnreachableError as error:
        raise ProvisionError(f"control plane: {error}") from error
    document = reply.document()
    if reply.status not in (200, 201) or not isinstance(document, dict):
        reason = document.get("error") if isinstance(document, dict) else None
        raise ProvisionError(f"control plane: HTTP {reply.status} {reason or 'without a reason'}")
    return document
