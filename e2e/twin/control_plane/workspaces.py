"""Hosts for workspaces, ordered by the tenants (docs/platform.md, provision request)."""

import base64
import binascii
from collections.abc import Mapping

from e2e.twin.control_plane.estate import Estate, Image
from e2e.twin.control_plane.pins import running_image
from e2e.twin.control_plane.provisioning import REGISTRATION_SECONDS
from e2e.twin.database import Row
from e2e.twin.hosts.container import ContainerError, ContainerSpec
from e2e.twin.hosts.host import Host
from e2e.twin.identities import same_token
from e2e.twin.images.catalogue import ENTRYPOINT
from e2e.twin.wire import Answer, Call, Document, RefusedError

WORKSPACE_BOOT_SECONDS = 10.0
CONFIG_FILES_LIMIT = 256 * 1024
"""Bytes of all config files of one provision together."""

_REQUIRED = ("org_id", "workspace_id", "runtime", "platform_url")


def provision_workspace(estate: Estate, call: Call) -> Answer:
    """Answer POST /cp/workspaces/provision: a host of its own, and on it the workspace's container."""
    document = call.json_object() or {}
    missing = [name for name in _REQUIRED if not isinstance(document.get(name), str) or not document[name]]
    if missing:
        raise RefusedError(400, f"{', '.join(_REQUIRED)} are required", fields=missing)
    org = estate.org_by_id(document["org_id"])
    if org is None:
        raise RefusedError(404, "org not found")
    image = running_image(estate, document["runtime"])
    if image is None:
        raise RefusedError(422, "RUNTIME_PIN_MISSING")
    files = _config_files(document)
    workspace_id = document["workspace_id"]
    spec = _container(org, workspace_id, image, _environment(document))
    instance_id = estate.launch_for(
        org["id"],
        lambda: estate.machines.launch(
            name_tag=f"ws-tenant-{org['slug']}-{workspace_id[:8]}",
            tags={"Environment": "staging", "molecule:org-id": org["id"], "molecule:workspace-id": workspace_id},
            boot_seconds=WORKSPACE_BOOT_SECONDS,
            registration_seconds=REGISTRATION_SECONDS,
            on_running=lambda host: _set_up(host, files, spec),
        ),
        lambda launched: _record(estate, org, workspace_id, launched),
    )
    if instance_id is None:
        raise RefusedError(409, "the organisation is being purged")
    return Answer(201, _machine(estate, instance_id) | {"runtime": document["runtime"]})


def get_workspace_status(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/workspaces/:id/status."""
    row = _find(estate, call)
    return Answer(200, _machine(estate, row["instance_id"]) | {"public_ip": ""})


def restart_workspace(estate: Estate, call: Call) -> Answer:
    """Answer POST /cp/workspaces/:id/restart: the container is stopped and started, with the environment it had.

    The path is the twin's own: it stands for what the platform does on the host itself (docs/platform.md, plugin
    delivery).
    """
    row = _find(estate, call)
    host = estate.machines.view(row["instance_id"]).host
    if host is None:
        raise RefusedError(409, "the host does not run")
    try:
        host.container(f"ws-{row['workspace_id']}").restart()
    except (KeyError, ContainerError) as error:
        raise RefusedError(409, f"the container cannot be restarted: {error}") from error
    return Answer(200, {"status": "restarted", "instance_id": row["instance_id"]})


def delete_workspace(estate: Estate, call: Call) -> Answer:
    """Answer DELETE /cp/workspaces/:id; the organisation is the one whose admin token the tenant shows."""
    row = _find(estate, call)
    org = estate.org_by_id(row["org_id"])
    if org is None or not same_token(call.headers.get("x-molecule-admin-token"), org["admin_token"]):
        raise RefusedError(403, "the admin token is not this organisation's")
    estate.machines.terminate(row["instance_id"])
    estate.database.execute("DELETE FROM workspace_instances WHERE instance_id = ?", row["instance_id"])
    return Answer(200, {"status": "terminated"})


def _machine(estate: Estate, instance_id: str) -> Document:
    machine = estate.machines.view(instance_id)
    return {"instance_id": instance_id, "state": machine.state, "private_ip": machine.private_address}


def _find(estate: Estate, call: Call) -> Row:
    workspace_id = call.parameters["workspace_id"]
    instance_id = call.query.get("instance_id")
    row = estate.database.row(
        "SELECT * FROM workspace_instances WHERE workspace_id = ? ORDER BY rowid DESC", workspace_id
    )
    if row is None or (instance_id and row["instance_id"] != instance_id):
        raise RefusedError(404, "workspace has no instance")
    return row


def _record(estate: Estate, org: Row, workspace_id: str, instance_id: str) -> None:
    estate.database.execute(
        "INSERT INTO workspace_instances (workspace_id, org_id, instance_id) VALUES (?, ?, ?)",
        workspace_id,
        org["id"],
        instance_id,
    )


def _set_up(host: Host, files: Mapping[str, bytes], spec: ContainerSpec) -> None:
    for name, content in files.items():
        path = host.configs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    host.run_container(spec)


def _container(org: Row, workspace_id: str, image: Image, environment: Mapping[str, str]) -> ContainerSpec:
    return ContainerSpec(
        name=f"ws-{workspace_id}",
        image_reference=image.reference,
        image_digest=image.digest,
        command=(ENTRYPOINT,),
        environment=environment,
        labels={"molecule.platform.managed": "true", "molecule.platform.instance": org["id"]},
        build_rootfs=image.build_rootfs,
        mount_configs=True,
    )


def _environment(document: Document) -> dict[str, str]:
    environment = document.get("env") or {}
    if not isinstance(environment, dict) or not all(isinstance(value, str) for value in environment.values()):
        raise RefusedError(400, "env must map names to texts")
    return environment


def _config_files(document: Document) -> dict[str, bytes]:
    encoded = document.get("config_files") or {}
    try:
        files = {name: base64.b64decode(text, validate=True) for name, text in encoded.items()}
    except (AttributeError, TypeError, binascii.Error) as error:
        raise RefusedError(400, "config_files must map names to base64") from error
    if any(name.startswith("/") or ".." in name.split("/") for name in files):
        raise RefusedError(400, "config_files must stay inside /configs")
    if sum(map(len, files.values())) > CONFIG_FILES_LIMIT:
        raise RefusedError(400, f"config_files are larger than {CONFIG_FILES_LIMIT} bytes")
    return files
