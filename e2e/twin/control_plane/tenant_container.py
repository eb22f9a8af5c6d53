"""The container ``molecule-tenant``: the workspace-server of one organisation on its tenant host."""

import hashlib
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from e2e.twin import workspace_server
from e2e.twin.control_plane.estate import Estate
from e2e.twin.database import Row
from e2e.twin.hosts.container import ContainerSpec
from e2e.twin.workspace_server.configuration import TenantConfiguration

TENANT_CONTAINER = "molecule-tenant"
OTHER_NAME = "platform-tenant"
"""Its name where it was renamed."""
PORT_FILE = "app/port"
"""Where, under the container's root, the workspace-server writes its port."""

_IMAGE = "molecule-ai/platform-tenant:staging-latest"
_COMMAND = "/usr/local/bin/workspace-server"
_PACKAGE_ROOT = Path(workspace_server.__file__).resolve().parents[3]


def tenant_container(estate: Estate, org: Row) -> ContainerSpec:
    """Return what ``docker run`` of the tenant is told."""
    sources = source_digest()

    def build_rootfs(rootfs: Path) -> None:
        application = rootfs / "app"
        (application / "data").mkdir(parents=True)
        configuration = application / "tenant.json"
        _configuration(estate, org, rootfs, sources).write(configuration)
        _write_command(rootfs, configuration)

    renamed = estate.switch.current("log-unreadable")
    name = TENANT_CONTAINER
    if renamed is not None and renamed.parameters["renamed"]:
        estate.switch.acts(renamed.name, f"the container of {org['slug']}")
        name = OTHER_NAME
    return _spec(estate, org, name, sources, build_rootfs)


def redeployed_container(estate: Estate, org: Row, name: str, build: str, kept: Path) -> ContainerSpec:
    """Return what ``docker run`` is told when another build takes over; ``kept`` is the data of the last one.

    The path of the root folder follows from the container's name, so what the settings say of paths stays true.
    """

    def build_rootfs(rootfs: Path) -> None:
        application = rootfs / "app"
        shutil.copytree(kept, application, symlinks=True)
        configuration = application / "tenant.json"
        replace(TenantConfiguration.read(configuration), build=build[:40]).write(configuration)
        _write_command(rootfs, configuration)

    return _spec(estate, org, name, build, build_rootfs)


def _spec(estate: Estate, org: Row, name: str, digest: str, build_rootfs: Callable[[Path], None]) -> ContainerSpec:
    return ContainerSpec(
        name=name,
        image_reference=_IMAGE,
        image_digest=f"sha256:{digest}",
        command=(_COMMAND,),
        environment={
            "MOLECULE_ORG_ID": org["id"],
            "MOLECULE_ORG_SLUG": org["slug"],
            "MOLECULE_ORG_NAME": org["name"],
            "MOLECULE_CP_URL": estate.url,
            "ADMIN_TOKEN": org["admin_token"],
        },
        labels={},
        build_rootfs=build_rootfs,
        mount_configs=False,
    )


def source_digest() -> str:
    """Return 64 hex digits that say which workspace-server this is."""
    digest = hashlib.sha256()
    for path in sorted(Path(workspace_server.__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _configuration(estate: Estate, org: Row, rootfs: Path, sources: str) -> TenantConfiguration:
    return TenantConfiguration(
        org_id=org["id"],
        org_slug=org["slug"],
        org_name=org["name"],
        admin_token=org["admin_token"],
        control_plane_url=estate.url,
        shared_secret=estate.secrets.shared,
        template_repository_token=estate.secrets.template_repository,
        public_url=estate.gateway_url,
        database=str(rootfs / "app/data/platform.sqlite"),
        port_file=str(rootfs / PORT_FILE),
        hosts_folder=str(estate.hosts_folder),
        seed=f"{estate.seed}:{org['slug']}",
        speed=estate.clock.speed,
        gate=estate.gate,
        build=sources[:40],
        faults=estate.faults,
    )


def _write_command(rootfs: Path, configuration: Path) -> None:
    # The package may lie anywhere, even under a path that containers have too: it is named here, where no argument
    # mapping sees it.
    command = rootfs / _COMMAND.lstrip("/")
    command.parent.mkdir(parents=True)
    command.write_text(
        f"#!/bin/sh\nexport PYTHONPATH={shlex.quote(str(_PACKAGE_ROOT))}\n"
        f"exec python3 -m {workspace_server.__name__} {shlex.quote(str(configuration))}\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
