"""Starts the twin's cloud as a process of its own, with a tenant host and a concierge host on it.

Prints one JSON line when both hosts were ordered, obeys the lines it is given (``terminate <instance id>``), and ends
when its standard input closes. The harness meets it on the wire alone.
"""

import json
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from e2e.contract import load_contract
from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.endpoint import AwsEndpoint
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.hosts.container import ContainerSpec
from e2e.twin.hosts.host import Host

CONCIERGE_ID = "0b9b3c1e-5a6d-4c1f-9a77-3d2b1c0a9e8f"
CONTROL_ID = "c0ffee00-0000-4000-8000-000000000001"
SLUG = "e2e-boot-0123abcd-89ef4567"
IMAGE = "registry.moleculesai.app/molecule-ai/workspace:claude-code"
CONTRACT = load_contract()
RUNTIME = f"""
import json, os
def identity_gate_payload():
    path = os.environ.get("CONTAINER_ROOT", "") + {CONTRACT.settings_path!r}
    try:
        present = {CONTRACT.mcp_server_name!r} in json.load(open(path))[{CONTRACT.key!r}]
    except (OSError, ValueError, KeyError):
        present = False
    return {{{CONTRACT.runtime_present_field!r}: present}}
"""
TENANT = f"""#!/bin/sh
echo '2026/06/20 12:00:00 registry_register_400 workspace={CONTROL_ID} reason=invalid_kind payload_url=absent' >&2
echo 'GIN a line of the other stream'
echo '2026/06/20 12:00:01 Heartbeat: transitioned {CONCIERGE_ID} from provisioning to online (heartbeat received)' >&2
exec sleep 3600
"""
RUNTIME_LOG = """#!/bin/sh
echo '----- entrypoint boot 2026-06-20T12:00:00Z -----'
echo '[plugins] installed molecule-ai-plugin-molecule-platform-mcp <- gitea://x/y#main'
echo 'Registered with platform: 200'
exec sleep 3600
"""


def program(path: Path, text: str) -> None:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def build_tenant(rootfs: Path) -> None:
    """Fill the workspace-server's image: it prints known lines and stays."""
    program(rootfs / "usr/local/bin/workspace-server", TENANT)


def build_concierge(rootfs: Path) -> None:
    """Fill the concierge's image: an entrypoint that prints, a runtime that can be asked, a server to launch."""
    program(rootfs / "app/entrypoint.sh", RUNTIME_LOG)
    program(rootfs / "app/molecule_runtime/__init__.py", "__version__ = '0.3.42'\n")
    program(rootfs / "app/molecule_runtime/platform_agent_identity.py", RUNTIME)
    server = Path(__file__).parent.parent / "probes" / "stand_ins" / "mcp_server.py"
    program(rootfs / "usr/local/bin/molecule-mcp", server.read_text(encoding="utf-8"))


def spec(name: str, command: str, build: Any, environment: dict[str, str]) -> ContainerSpec:
    """Return a container of the platform."""
    return ContainerSpec(
        name=name,
        image_reference=IMAGE,
        image_digest="sha256:" + "ab" * 32,
        command=(command,),
        environment=environment,
        labels={},
        build_rootfs=build,
        mount_configs=name.startswith("ws-"),
        working_directory="/app" if name.startswith("ws-") else "/",
    )


def start_tenant(host: Host) -> None:
    """Run what a tenant host runs."""
    host.run_container(
        spec("molecule-tenant", "/usr/local/bin/workspace-server", build_tenant, {"ADMIN_TOKEN": "canary"})
    )


def start_concierge(host: Host) -> None:
    """Run what a concierge host runs, wired as the delivery contract says."""
    entry = {"command": "molecule-mcp", "env": {"MOLECULE_MCP_MODE": "management", "MOLECULE_API_KEY": "canary-key"}}
    settings = host.configs / Path(CONTRACT.settings_path).relative_to("/configs")
    program(settings, json.dumps({CONTRACT.key: {CONTRACT.mcp_server_name: entry}}))
    program(host.configs / "plugins" / CONTRACT.plugin_declared_name / "plugin.yaml", "name: x\n")
    variables = {
        "WORKSPACE_ID": CONCIERGE_ID,
        "PYTHONPATH": "/app",
        "MOLECULE_ORG_API_KEY": "canary-org",
        "MOLECULE_DECLARED_PLUGINS": CONTRACT.plugin_source,
    }
    host.run_container(spec(f"ws-{CONCIERGE_ID}", "/app/entrypoint.sh", build_concierge, variables))


def main(speed: float) -> None:
    """Serve until standard input closes."""
    folder = Path(tempfile.mkdtemp(prefix="twin-cloud-"))
    folder.chmod(0o711)
    clock = PlatformClock(speed)
    seed = secrets.randbits(32)  # ids mark processes: two clouds on one machine need different ones
    fleet = Fleet(clock, folder / "hosts", seed)
    endpoint = AwsEndpoint(
        fleet,
        clock,
        region="us-east-2",
        account="004200420042",
        access_key_id="AKIATWIN",
        secret_access_key="twin-secret",
        seed=seed,
    )
    try:
        url = endpoint.start()
        tenant = fleet.launch(
            name_tag=f"tenant-{SLUG}", tags={}, boot_seconds=15, registration_seconds=300, on_running=start_tenant
        )
        concierge = fleet.launch(
            name_tag=f"ws-tenant-{SLUG}-{CONCIERGE_ID}",
            tags={},
            boot_seconds=10,
            registration_seconds=5,
            on_running=start_concierge,
        )
        ready = {"url": url, "tenant": tenant, "concierge": concierge, "folder": str(folder)}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        for line in sys.stdin:
            word, _, instance_id = line.strip().partition(" ")
            if word == "terminate":
                fleet.terminate(instance_id)
            sys.stdout.write("done\n")
            sys.stdout.flush()
    finally:
        endpoint.stop()
        fleet.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
