"""A host to look at: folders, a docker stand-in, and the probe run as it runs for real, inside the envelope."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.hosts.envelope import Enveloped, new_marker, unwrap, wrap
from e2e.probes.look import HostLook, LaunchRequest, LookLimits, LookRequest, parse_look
from e2e.probes.on_host.concierge import AgentView
from e2e.probes.on_host.docker import Docker
from e2e.probes.on_host.facts import part
from e2e.probes.on_host.launch import launch as launch_server
from e2e.probes.program import probe_program
from e2e.probes.seen import ConciergeSeen

STAND_INS = Path(__file__).parent / "stand_ins"
CONCIERGE_ID = "0b9b3c1e-5a6d-4c1f-9a77-3d2b1c0a9e8f"
CONTROL_ID = "c0ffee00-0000-4000-8000-000000000001"
OTHER_ID = "ffffffff-0000-4000-8000-000000000002"


PYTHON = getattr(sys, "_base_executable", sys.executable)


def install(name: str, path: Path) -> None:
    """Install a stand-in as a program that starts quickly."""
    source = (STAND_INS / name).read_text(encoding="utf-8")
    path.write_text(f"#!{PYTHON} -IS\n" + source.partition("\n")[2], encoding="utf-8")
    path.chmod(0o755)


class HostFolder:
    """One machine under a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contract = load_contract()
        (folder / "bin").mkdir(parents=True)
        (folder / "containers").mkdir()
        install("docker.py", folder / "bin" / "docker")
        (folder / "bin" / "python3").symlink_to(PYTHON)

    def container(
        self,
        name: str,
        environment: Mapping[str, str] | None = None,
        *,
        running: bool = True,
        **extra: object,
    ) -> Path:
        """Make a container and return its root folder."""
        place = self.folder / "containers" / name
        rootfs = place / "rootfs"
        for directory in ("configs/.claude", "app", "usr/local/bin", "opt", "workspace"):
            (rootfs / directory).mkdir(parents=True, exist_ok=True)
        (rootfs / "usr/local/bin/python3").symlink_to(PYTHON)
        digest = hashlib.sha256(name.encode()).hexdigest()
        record = {
            "Id": digest,
            "Name": f"/{name}",
            "Image": f"sha256:{digest}",
            "RestartCount": 2,
            "State": {
                "Status": "running" if running else "exited",
                "Running": running,
                "StartedAt": "2026-06-20T12:00:00.123456789Z",
                "FinishedAt": "0001-01-01T00:00:00Z",
                "ExitCode": 0,
                "OOMKilled": False,
            },
            "Config": {
                "Image": "registry.example:5000/molecule/claude-code:1",
                "Env": [f"{key}={value}" for key, value in (environment or {}).items()],
                "WorkingDir": "/app",
            },
            **extra,
        }
        (place / "inspect.json").write_text(json.dumps(record))
        (place / "log").write_bytes(b"")
        return rootfs

    def concierge(self, environment: Mapping[str, str] | None = None, **extra: Any) -> Path:
        """Make the concierge's container with a runtime that reads the settings file, and return its root folder."""
        variables = {
            "WORKSPACE_ID": CONCIERGE_ID,
            "MOLECULE_DECLARED_PLUGINS": self.contract.plugin_source,
            "MOLECULE_ORG_API_KEY": "CANARY-org-key",
            "EMPTY": "",
            **(environment or {}),
        }
        rootfs = self.container(f"ws-{CONCIERGE_ID}", variables, **extra)
        package = rootfs / "app" / "molecule_runtime"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text("__version__ = '0.3.42'\n")
        (package / "platform_agent_identity.py").write_text(
            "import json, os\n"
            "def identity_gate_payload():\n"
            f"    path = {str(rootfs)!r} + {self.contract.settings_path!r}\n"
            "    try:\n"
            f"        present = {self.contract.mcp_server_name!r} in json.load(open(path))[{self.contract.key!r}]\n"
            "    except Exception:\n"
            "        present = False\n"
            "    print('noise on stdout from the runtime')\n"
            f"    return {{{self.contract.runtime_present_field!r}: present}}\n"
        )
        plugin = rootfs / "configs" / "plugins" / "molecule-ai-plugin-molecule-platform-mcp"
        plugin.mkdir(parents=True, exist_ok=True)
        (plugin / "plugin.yaml").write_text("name: x\n")
        return rootfs

    def settings(self, rootfs: Path, content: bytes | Mapping[str, Any]) -> None:
        """Write the settings file."""
        path = Path(str(rootfs) + self.contract.settings_path)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    def wired(self, rootfs: Path, **variables: str) -> None:
        """Wire the stand-in server as the delivery contract says, with ``variables`` in its entry."""
        install("mcp_server.py", rootfs / "usr/local/bin/molecule-mcp")
        entry = {"command": "molecule-mcp", "env": {"MOLECULE_MCP_MODE": "management", **variables}}
        self.settings(rootfs, {self.contract.key: {self.contract.mcp_server_name: entry}})

    def log(self, name: str, lines: Sequence[str]) -> None:
        """Write a container's log; a line may begin with ``!`` to be of standard error."""
        text = "".join(
            f"2026-06-20T12:{index // 60:02d}:{index % 60:02d}.{index:09d}Z {'e' if line[:1] == '!' else 'o'} "
            f"{line.removeprefix('!')}\n"
            for index, line in enumerate(lines)
        )
        (self.folder / "containers" / name / "log").write_bytes(text.encode())

    def trouble(self, **actions: str) -> None:
        """Make docker calls misbehave; a key is how the arguments begin, with ``_`` for a blank."""
        document = {key.replace("_", " "): value for key, value in actions.items()}
        (self.folder / "trouble.json").write_text(json.dumps(document))

    def calls(self) -> list[dict[str, Any]]:
        """Return every docker call so far."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def request(self, launch: LaunchRequest | None = None, **limits: Any) -> LookRequest:
        """Return an ordinary request."""
        return LookRequest(
            contract=self.contract,
            concierge_id=CONCIERGE_ID,
            control_ids=(CONTROL_ID,),
            launch=launch,
            limits=replace(LookLimits(docker_seconds=10.0), **limits),
        )

    def run(self, request: LookRequest, shell: str = "sh") -> Enveloped:
        """Run the probe by its envelope, in a poor environment."""
        marker = new_marker(os.urandom(16).hex())
        text = wrap(probe_program(), request.argument(), marker, program_seconds=30.0)
        done = subprocess.run(
            [shell],
            input=text.encode(),
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin"},
            capture_output=True,
            check=True,
        )
        return unwrap(done.stdout.decode("utf-8", "replace"), marker)

    def concierge_seen(self, launch: LaunchRequest | None = None, *, docker_seconds: float = 10.0) -> ConciergeSeen:
        """Look at the concierge only, in this process: what most tests are about, without the way there."""
        request = json.loads(self.request(launch).argument())
        docker = Docker(docker_seconds)
        docker.program = str(self.folder / "bin" / "docker")
        container = json.loads((self.folder / "containers" / f"ws-{CONCIERGE_ID}" / "inspect.json").read_text())
        view = AgentView(docker, container, request["contract"], request["limits"]["settings_bytes"])
        view.look()
        facts = {
            "presence": part(view.ask_runtime),
            "settings": view.settings,
            "wiring": view.wiring,
            "legacy_binary": view.legacy_binary,
            "plugins": view.plugins,
            **view.environment_facts(),
            "launch": launch_server(docker, container, view, request["launch"]) if launch else None,
        }
        look = parse_look(json.dumps({"version": 1, "concierge": facts}).encode())
        assert look.concierge is not None
        assert set(look.part_errors) <= {"concierge.presence"}
        return look.concierge

    def look(self, request: LookRequest | None = None) -> HostLook:
        """Run the probe and parse what it says."""
        answer = self.run(request or self.request())
        assert answer.exit_code == 0, answer.stderr
        return parse_look(answer.stdout, "i-0123456789abcdef0")


@pytest.fixture
def host(tmp_path: Path) -> HostFolder:
    return HostFolder(tmp_path / "host")


@pytest.fixture
def ids() -> dict[str, str]:
    return {"concierge": CONCIERGE_ID, "control": CONTROL_ID, "other": OTHER_ID}


@pytest.fixture
def launch_request(host: HostFolder) -> Callable[..., LaunchRequest]:
    def make(*, call: bool = False, handshake_seconds: float = 10.0, call_seconds: float = 10.0) -> LaunchRequest:
        create = host.contract.create_workspace
        return LaunchRequest(create.tool_names, create.arguments("e2e-probe"), call, handshake_seconds, call_seconds)

    return make
