"""How a workspace gets its host and container (docs/platform.md, provision hook and container environment)."""

import json

from e2e.twin.database import Row
from e2e.twin.workspace_server.concierge import apply_provision_config
from e2e.twin.workspace_server.concierge_faults import disturbed_environment, disturbed_files
from e2e.twin.workspace_server.control_plane_client import ProvisionError, deprovision, provision
from e2e.twin.workspace_server.guards import mint_token
from e2e.twin.workspace_server.plugins import declared_plugins, recorded_plugins
from e2e.twin.workspace_server.tenant import Tenant

PLATFORM_MODEL_PREFIX = "moonshot/"
"""Models of this vendor are served by the platform's own proxy."""


def provision_in_background(tenant: Tenant, workspace_id: str) -> None:
    """Move the row to ``provisioning`` and get it a host; a failure ends in the row."""
    tenant.database.execute(
        "UPDATE workspaces SET status = 'provisioning', provisioning_since = ? WHERE id = ? AND status <> 'removed'",
        tenant.monotonic(),
        workspace_id,
    )
    tenant.background.start(f"provision-{workspace_id[:8]}", lambda: provision_workspace(tenant, workspace_id))


def provision_workspace(tenant: Tenant, workspace_id: str) -> None:
    """Get the workspace a host and remember which."""
    row = tenant.workspace(workspace_id)
    if row is None or row["status"] == "removed":
        return
    files, environment = config_files(tenant, row), dict[str, str]()
    if row["kind"] == "platform":
        files, environment = apply_provision_config(tenant, row, files)
        files = disturbed_files(tenant.faults, files)
        if tenant.faults.acts("register-unauthorized", "provision of the concierge"):
            # Another provision of the same workspace was first, and the token is on its machine.
            mint_token(tenant, workspace_id, "instance")
    environment = container_environment(tenant, row) | environment
    if "MODEL" not in environment:
        tenant.log(f"Provisioner: workspace {workspace_id} has no model; aborting provision (MISSING_MODEL)")
        tenant.fail(workspace_id, "no model is configured for this workspace", code="MISSING_MODEL")
        return
    if row["kind"] != "platform" and tenant.faults.acts("created-workspace-failed", "provision of a workspace"):
        tenant.fail(workspace_id, "no credential for the provider of the model", code="MISSING_BYOK_CREDENTIAL")
        return
    try:
        instance_id = provision(tenant, row, environment, files)
        tenant.database.execute("UPDATE workspaces SET instance_id = ? WHERE id = ?", instance_id, workspace_id)
        tenant.record_event(workspace_id, "WORKSPACE_PROVISIONED", instance_id=instance_id)
        _undo_if_removed(tenant, workspace_id, instance_id)
    except ProvisionError as error:
        tenant.log(f"Provisioner: workspace {workspace_id} provision failed: {error}")
        tenant.fail(workspace_id, str(error))


def reprovision_in_background(tenant: Tenant, workspace_id: str) -> None:
    """Give the workspace a new host with a new container, in place of the one it has."""
    tenant.background.start(f"reprovision-{workspace_id[:8]}", lambda: _reprovision(tenant, workspace_id))


def _reprovision(tenant: Tenant, workspace_id: str) -> None:
    row = tenant.workspace(workspace_id)
    if row is None:
        return
    tenant.database.execute("UPDATE workspace_tokens SET revoked = 1 WHERE workspace_id = ?", workspace_id)
    if row["instance_id"]:
        try:
            deprovision(tenant, workspace_id, row["instance_id"])
        except ProvisionError as error:
            tenant.log(f"Provisioner: workspace {workspace_id} deprovision failed: {error}")
    provision_in_background(tenant, workspace_id)


def container_environment(tenant: Tenant, row: Row) -> dict[str, str]:
    """Return the environment of the workspace's container. Only the platform root gets the organisation's key."""
    configuration = tenant.configuration
    workspace_id = row["id"]
    secrets = _secrets(tenant, workspace_id)
    environment = {
        "WORKSPACE_ID": workspace_id,
        "WORKSPACE_CONFIG_PATH": "/configs",
        "PLATFORM_URL": tenant.own_url,
        "MOLECULE_URL": tenant.own_url,
        "TIER": str(row["tier"]),
        "PLUGINS_DIR": "/plugins",
        "PYTHONPATH": "/app",
        "MOLECULE_ORG_ID": configuration.org_id,
        "MOLECULE_DECLARED_PLUGINS": ",".join(_plugin_sources(tenant, workspace_id)),
        "MOLECULE_GITEA_BASE_URL": configuration.control_plane_url,
        "MOLECULE_TEMPLATE_REPO_TOKEN": configuration.template_repository_token,
        "MOLECULE_PLATFORM_SPEED": f"{configuration.speed:g}",
    } | secrets
    model = secrets.get("MODEL", "")
    if model:
        environment.setdefault("MOLECULE_MODEL", model)
    if model.startswith(PLATFORM_MODEL_PREFIX):
        environment.setdefault("LLM_PROVIDER", "platform")
    if row["kind"] == "platform":
        for name, value in {
            "MOLECULE_API_KEY": configuration.admin_token,
            "MOLECULE_ORG_API_KEY": configuration.admin_token,
            "MOLECULE_API_URL": tenant.own_url,
            "GIT_HTTP_USERNAME": configuration.template_repository_token,
            "GIT_HTTP_PASSWORD": "x-oauth-basic",
        }.items():
            environment.setdefault(name, value)
        if tenant.faults.acts("secret-in-log", "environment of the concierge"):
            tenant.log(f"Provisioner: environment of {workspace_id}: MOLECULE_ORG_API_KEY={configuration.admin_token}")
        return disturbed_environment(tenant.faults, environment)
    return environment


def config_files(tenant: Tenant, row: Row) -> dict[str, str]:
    """Return what goes into the host's ``/configs`` before the first boot, name -> text."""
    model = _secrets(tenant, row["id"]).get("MODEL", "")
    values: dict[str, object] = {
        "name": row["name"],
        "description": f"Workspace {row['name']}",
        "role": row["role"],
        "version": "1.0.0",
        "tier": row["tier"],
        "runtime": row["runtime"],
        "model": model,
    }
    # A JSON scalar is a YAML scalar, so every value is quoted as JSON.
    lines = [f"{name}: {json.dumps(value)}" for name, value in values.items() if value != ""]
    prompt = f"You are {row['name']}. {row['role']}".strip() + "\n"
    return {"config.yaml": "\n".join(lines) + "\n", "system-prompt.md": prompt}


def _plugin_sources(tenant: Tenant, workspace_id: str) -> list[str]:
    return list((recorded_plugins(tenant, workspace_id) | declared_plugins(tenant, workspace_id)).values())


def _secrets(tenant: Tenant, workspace_id: str) -> dict[str, str]:
    rows = tenant.database.rows("SELECT key, value FROM workspace_secrets WHERE workspace_id = ?", workspace_id)
    return {row["key"]: row["value"] for row in rows}


def _undo_if_removed(tenant: Tenant, workspace_id: str, instance_id: str) -> None:
    row = tenant.workspace(workspace_id)
    if row is not None and row["status"] == "removed":
        deprovision(tenant, workspace_id, instance_id)
