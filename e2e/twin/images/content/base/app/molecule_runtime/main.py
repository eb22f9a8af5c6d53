"""The life of the runtime: configure, wire the plugins, register, beat, serve until told to stop.

The order and the printed lines are those of the platform's runtime (docs/platform.md, runtime boot): registration comes
before the server listens, and heartbeats begin after registration. Only printed lines and warnings are visible in a
container's log; the platform's runtime configures no logging, so its INFO lines never appear.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from molecule_runtime.a2a_server import A2aServer
from molecule_runtime.adapter import choose_model
from molecule_runtime.agent import Agent
from molecule_runtime.config import WorkspaceConfig, load_config
from molecule_runtime.container import container_path, real_timeout
from molecule_runtime.credentials import Credentials
from molecule_runtime.delivery_contract import delivery_contract
from molecule_runtime.faults import acts
from molecule_runtime.heartbeat import HeartbeatLoop
from molecule_runtime.loaded_tools import loaded_tools_report
from molecule_runtime.mcp_servers import AgentTools, launch_specs
from molecule_runtime.mcp_session import LaunchSpec
from molecule_runtime.platform_agent_identity import identity_gate_payload
from molecule_runtime.platform_client import PlatformClient
from molecule_runtime.plugin_adaptor import install_plugins
from molecule_runtime.preflight import print_model_credentials, print_preflight
from molecule_runtime.registration import register

__all__ = ["Runtime", "main"]

_REQUEST_SECONDS = 10
_TOOLS_BEFORE_FIRST_BEAT_SECONDS = 8.0  # wall
_REAL_CONTAINER_PORT = 8000
_RUNTIME = "claude-code"
_WEDGED_ERROR = "Control request timeout: initialize"
_DEFAULT_PLATFORM_URL = "http://host.docker.internal:8080"


def _print(line: str) -> None:
    print(line, flush=True)


class Runtime:
    """One workspace's runtime, from its configuration to its end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Configure everything and take the port; nothing is sent and nothing started.

        Raises:
            FileNotFoundError: the workspace has no ``config.yaml``.
            OSError: the port is taken.
            ValueError: ``config.yaml`` or a number in the environment cannot be read.
        """
        self._environment = environment
        self._contract = delivery_contract()
        self._speed = float(environment.get("MOLECULE_PLATFORM_SPEED") or 1)
        self._started = time.monotonic()
        self._workspace_id = environment["WORKSPACE_ID"]
        folder = Path(container_path(environment.get("WORKSPACE_CONFIG_PATH") or "/configs", environment))
        self._config = load_config(folder, environment)
        print_model_credentials(bool(environment.get("ANTHROPIC_AUTH_TOKEN")), _print)
        print_preflight(folder, self._config.prompt_files, _print)
        _print("Governance: disabled (set governance.enabled: true in config.yaml to activate)")
        self._problem = self._set_up(folder)
        self._credentials = Credentials(Path(container_path("/configs", environment)), environment)
        # A command line that is told to ignore what lies on disk (core#3079): an inventory that is known, and empty.
        self._ignores_settings = acts("agent-cannot-see-tool", "the agent's MCP servers", environment)
        self._tools = AgentTools([] if self._ignores_settings else self._launch_specs(), self._speed)
        self._agent = Agent(self._tools, self._contract, self._config.model)
        self._server = A2aServer(
            _address(environment),
            self._card,
            self._agent.answer if not self._problem else None,
            self._problem,
        )
        self._url = environment.get("MOLECULE_WORKSPACE_URL") or f"http://localhost:{self._server.port}"
        client = PlatformClient(
            environment.get("PLATFORM_URL") or _DEFAULT_PLATFORM_URL, real_timeout(_REQUEST_SECONDS, self._speed)
        )
        self._client = client
        self._heartbeat = HeartbeatLoop(
            client, self._beat, self._credentials, self._config.heartbeat_interval_seconds / self._speed
        )

    def _set_up(self, folder: Path) -> str:
        """Wire the plugins and resolve the model; return why the agent is not configured, or nothing."""
        _print(f"Runtime: {self._config.runtime} ({_display_name(self._config)})")
        shared = container_path(self._environment.get("PLUGINS_DIR") or "/plugins", self._environment)
        settings = Path(container_path(self._contract.settings_path, self._environment))
        install_plugins((folder / "plugins", Path(shared)), settings, self._contract)
        try:
            choose_model(self._config)
        except ValueError as error:
            reason = f"{type(error).__name__}: {error}"
            _print(
                "WARNING: adapter.setup() failed — workspace will serve agent-card but JSON-RPC will return -32603 "
                f"until configuration is fixed. Reason: {reason}"
            )
            return reason
        return ""

    def _launch_specs(self) -> list[LaunchSpec]:
        """Return the servers of the agent; another runtime than claude-code reads another file, which is empty here."""
        return launch_specs(self._contract, self._environment) if self._config.runtime == _RUNTIME else []

    def run(self, stop: threading.Event) -> None:
        """Register, serve and beat until ``stop`` is set; then end what was started."""
        self._tools.start()
        threading.Thread(target=self._go_online, args=(stop,), name="go-online", daemon=True).start()
        stop.wait()
        self._heartbeat.stop()
        self._tools.close()

    def _go_online(self, stop: threading.Event) -> None:
        register(self._client, self._registration, self._credentials, self._speed, _print, stop.wait)
        _print(f"Workspace {self._workspace_id} starting on port {self._server.port}")
        self._server.listen()
        for line in (
            f"Started server process [{os.getpid()}]",
            "Waiting for application startup.",
            "Application startup complete.",
            f"Uvicorn running on http://0.0.0.0:{self._server.port} (Press CTRL+C to quit)",
        ):
            print(f"INFO:     {line}", file=sys.stderr, flush=True)
        # The tools are in the very first beat, since an online gate may judge that one; but a server that does not
        # come up must not keep the workspace silent.
        self._tools.wait_until_settled(_TOOLS_BEFORE_FIRST_BEAT_SECONDS)
        self._heartbeat.start()

    def _card(self) -> Mapping[str, object]:
        card: dict[str, object] = {
            "name": self._config.name,
            "description": self._config.description,
            "version": self._config.version,
            "url": self._url,
            "skills": [],
            "capabilities": {
                "streaming": self._config.streaming,
                "pushNotifications": self._config.push_notifications,
            },
            "configuration_status": "not_configured" if self._problem else "ready",
        }
        if self._problem:
            card["configuration_error"] = self._problem
        return card

    def _registration(self) -> Mapping[str, object]:
        return {"id": self._workspace_id, "url": self._url, "agent_card": self._card(), **identity_gate_payload()}

    def _beat(self) -> Mapping[str, object]:
        wedged = self._agent.wedged
        tools = [] if self._ignores_settings else self._tools.tool_ids()
        return {
            "workspace_id": self._workspace_id,
            "error_rate": 0.0,
            "sample_error": _WEDGED_ERROR if wedged else "",
            "active_tasks": self._server.active_tasks,
            "current_task": "",
            "uptime_seconds": int((time.monotonic() - self._started) * self._speed),
            "agent_card": self._card(),
            "runtime_metadata": {"capabilities": {}, "idle_timeout_seconds": 900},
            **identity_gate_payload(),
            **loaded_tools_report(tools, self._contract),
            **({"runtime_state": "wedged"} if wedged else {}),
        }


def _address(environment: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: a container that is a plain process takes a free port of the loopback interface."""
    is_process = bool(environment.get("CONTAINER_ROOT"))
    port = int(environment.get("PORT") or (0 if is_process else _REAL_CONTAINER_PORT))
    return "127.0.0.1" if is_process else "0.0.0.0", port  # noqa: S104 - the container's own network


def _display_name(config: WorkspaceConfig) -> str:
    return "Claude Code" if config.runtime == _RUNTIME else config.runtime


def main() -> int:
    """Run the runtime of this process's environment until SIGTERM or SIGINT."""
    if not os.environ.get("WORKSPACE_ID"):
        print("FATAL: WORKSPACE_ID env var is not set. Aborting.", file=sys.stderr, flush=True)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Runtime(dict(os.environ)).run(stop)
    return 0
