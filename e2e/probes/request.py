"""What the probe is asked: one request for all hosts of a run."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from e2e.contract import Contract

PLUGINS_PATH = "/configs/plugins"
"""Where the runtime installs plugins (docs/platform.md, plugin delivery)."""

CONFIG_PATH = "/configs/config.yaml"
SERVERS_PATH = "/configs/mcp_servers.yaml"
"""The other two files that may name MCP servers (docs/platform.md, plugin delivery)."""

SETTINGS_BYTES = 1024 * 1024
"""A settings file larger than this is as good as none (docs/platform.md, presence)."""


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """Asks the probe to start the management server, as the agent, and to list its tools.

    ``arguments`` are those of the create call: the tool's input schema is checked against them; with ``call`` they
    are really sent, once, and create a workspace. ``handshake_seconds`` covers initialize and tools/list together,
    ``call_seconds`` the call alone; both are wall seconds on the host.
    """

    tool_names: tuple[str, ...]
    arguments: Mapping[str, str]
    call: bool
    handshake_seconds: float
    call_seconds: float

    def document(self) -> dict[str, object]:
        """Return the request as the probe reads it."""
        return {
            "tool_names": list(self.tool_names),
            "arguments": dict(self.arguments),
            "call": {"arguments": dict(self.arguments)} if self.call else None,
            "handshake_seconds": self.handshake_seconds,
            "call_seconds": self.call_seconds,
        }


@dataclass(frozen=True, slots=True)
class LookLimits:
    """What the probe reads and takes at most. ``docker_seconds`` is for one docker command, wall time on the host."""

    docker_seconds: float = 20.0
    settings_bytes: int = SETTINGS_BYTES
    containers: int = 30
    log_bytes: int = 64 * 1024 * 1024
    log_head: int = 60
    log_tail: int = 120


@dataclass(frozen=True, slots=True)
class LookRequest:
    """One look. ``control_ids`` are the workspace ids of the control register calls that the harness posted."""

    contract: Contract
    concierge_id: str
    control_ids: tuple[str, ...] = ()
    read_registry_log: bool = True
    launch: LaunchRequest | None = None
    limits: LookLimits = LookLimits()

    def argument(self) -> bytes:
        """Return what the probe reads on its standard input. It holds no secret."""
        contract = self.contract
        document = {
            "contract": {
                "settings_path": contract.settings_path,
                "key": contract.key,
                "mcp_server_name": contract.mcp_server_name,
                "legacy_binary_path": contract.legacy_binary_path,
                "runtime_present_field": contract.runtime_present_field,
                "plugins_path": PLUGINS_PATH,
                "config_path": CONFIG_PATH,
                "servers_path": SERVERS_PATH,
            },
            "concierge_id": self.concierge_id,
            "control_ids": list(self.control_ids),
            "log": {"enabled": self.read_registry_log},
            "launch": self.launch.document() if self.launch else None,
            "limits": asdict(self.limits),
        }
        return json.dumps(document, sort_keys=True).encode("utf-8")
