"""How the platform brings a plugin to a box that runs already (docs/platform.md, plugin delivery).

The plugin is staged here, pushed into the box's ``/configs``, and takes effect with the restart that follows.
"""

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path, PurePosixPath

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
        files = _files_of(archive)
        shutil.rmtree(target, ignore_errors=True)
        for path, content in files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise PushError(str(error)) from error
    return hashlib.sha256(archive).hexdigest()[:40]


def _files_of(archive: bytes) -> dict[PurePosixPath, bytes]:
    """Return the files of the archive by their path under its one top folder; nothing else, and nothing outside it."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            _, *inside = PurePosixPath(member.name).parts
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if ".." in inside or not inside or member.name.startswith("/"):
                raise PushError(f"{member.name} lies outside the archive")
            files[PurePosixPath(*inside)] = content.read()
    return files


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
