"""How the platform brings a plugin to a box that runs already (docs/platform.md, plugin delivery).

The plugin is staged here, pushed into the box's ``/configs``, and takes effect with the restart that follows.
"""

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from pathlib import Path

from e2e.twin.outbound import UnreachableError, request
from e2e.twin.workspace_server.tenant import Tenant

FETCH_SECONDS = 300.0
"""Platform seconds that staging one plugin may take."""

_SCHEME = "gitea://"


class StageError(Exception):
    """The plugin could not be fetched from where its source says."""


class PushError(Exception):
    """The plugin could not be put onto the box."""


def stage_plugin(tenant: Tenant, source: str) -> bytes:
    """Fetch the archive of a ``gitea://owner/repository#ref`` source.

    Raises:
        StageError: another kind of source, no ref, or the forge did not give it.
    """
    location, _, ref = source.removeprefix(_SCHEME).partition("#")
    if not source.startswith(_SCHEME) or location.count("/") != 1 or not ref:
        raise StageError(f"not a source that can be staged: {source}")
    configuration = tenant.configuration
    try:
        reply = request(
            "GET",
            f"{configuration.control_plane_url}/api/v1/repos/{location}/archive/{ref}.tar.gz",
            timeout=tenant.clock.real(FETCH_SECONDS),
            headers={"Authorization": f"token {configuration.template_repository_token}"},
        )
    except UnreachableError as error:
        raise StageError(str(error)) from error
    if reply.status != 200:
        raise StageError(f"HTTP {reply.status}")
    return reply.body


def push_plugin(tenant: Tenant, instance_id: str, name: str, archive: bytes) -> str:
    """Put the archive's one top folder onto the box as ``/configs/plugins/<name>`` and return its fingerprint.

    Raises:
        PushError: the box is not there, or the archive is none.
    """
    configs = tenant.configs_of(instance_id)
    if not configs.is_dir():
        raise PushError(f"{instance_id} has no /configs")
    target = configs / "plugins" / name
    try:
        with tempfile.TemporaryDirectory(prefix="plugin-") as scratch:
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
                tar.extractall(scratch, filter="data")
            (tree,) = Path(scratch).iterdir()
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(tree, target)
    except (OSError, ValueError, tarfile.TarError) as error:
        raise PushError(str(error)) from error
    return hashlib.sha256(archive).hexdigest()[:40]


def is_on_box(tenant: Tenant, instance_id: str, name: str) -> bool:
    """Say whether the plugin lies on the box; versions that verify also want its server in the settings file."""
    if not instance_id or not (tenant.configs_of(instance_id) / "plugins" / name / "plugin.yaml").is_file():
        return False
    if not tenant.gate.verifies_online or name != tenant.contract.plugin_declared_name:
        return True
    return _is_wired(tenant, instance_id)


def _is_wired(tenant: Tenant, instance_id: str) -> bool:
    contract = tenant.contract
    settings = tenant.configs_of(instance_id) / Path(contract.settings_path).relative_to("/configs")
    try:
        document = json.loads(settings.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    servers = document.get(contract.key) if isinstance(document, dict) else None
    return isinstance(servers, dict) and contract.mcp_server_name in servers
