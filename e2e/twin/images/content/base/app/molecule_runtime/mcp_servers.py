"""The agent's own MCP servers: every entry of the settings file, started once and kept."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from molecule_runtime.container import container_path, real_timeout
from molecule_runtime.delivery_contract import DeliveryContract
from molecule_runtime.faults import parameters
from molecule_runtime.mcp_session import LaunchSpec, McpEndedError, McpError, McpSession, McpSpawnError, ToolAnswer
from molecule_runtime.settings_file import read_settings

__all__ = ["AgentTools", "launch_specs"]

_HANDSHAKE_SECONDS = 60
_CALL_SECONDS = 300
_READY_SECONDS = 25  # 50 looks, half a second apart


def launch_specs(contract: DeliveryContract, environment: Mapping[str, str]) -> list[LaunchSpec]:
    """Return what the settings file says to start; entries without a command are skipped without a word.

    Where it does not wire the management server, the retired binary is started under that name, if there is one.

    The entry's environment is laid over the process's. A command without a slash is looked up on the resulting
    ``PATH``.
    """
    settings = read_settings(container_path(contract.settings_path, environment)) or {}
    servers = settings.get(contract.key)
    specs: list[LaunchSpec] = []
    retired = container_path(contract.legacy_binary_path, environment)
    wired = isinstance(servers, dict) and contract.mcp_server_name in servers
    if not wired and os.path.exists(retired):  # noqa: PTH110 - no pathlib in what starts often
        specs.append(LaunchSpec(contract.mcp_server_name, (retired,), environment))
    for name, entry in servers.items() if isinstance(servers, dict) else ():
        command = entry.get("command") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(command, str) or not command:
            continue
        arguments, extra = entry.get("args"), entry.get("env")
        merged = dict(environment)
        if isinstance(extra, dict):
            merged.update({str(key): str(value) for key, value in extra.items()})
        program = container_path(command, environment)
        if "/" not in program:
            program = shutil.which(program, path=merged.get("PATH")) or program
        words = [container_path(str(word), environment) for word in arguments] if isinstance(arguments, list) else []
        specs.append(LaunchSpec(str(name), (program, *words), merged))
    return specs


class AgentTools:
    """The tools that the agent has through its own servers. Safe to use from several threads."""

    def __init__(self, specs: Sequence[LaunchSpec], speed: float) -> None:
        """Take what to start; nothing is started before :meth:`start`."""
        self._speed = speed
        self._servers = [_Server(spec, speed) for spec in specs]

    def start(self) -> None:
        """Begin to start every server, each in a thread of its own, and return at once."""
        for server in self._servers:
            server.start()

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """Wait until every server has listed its tools or failed to; false if that takes longer (wall seconds)."""
        deadline = time.monotonic() + timeout_seconds
        return all(server.settled.wait(max(deadline - time.monotonic(), 0)) for server in self._servers)

    def ready(self) -> None:
        """Wait until the tools are known, as a turn does: until every server has settled, or 25 platform seconds."""
        self.wait_until_settled(real_timeout(_READY_SECONDS, self._speed))

    def tool_ids(self) -> list[str] | None:
        """Return ``mcp__<server>__<tool>`` of all tools, sorted; ``None`` while no server has listed its tools."""
        lists = [(server.name, server.tools) for server in self._servers]
        if all(tools is None for _, tools in lists):
            return None
        return sorted(f"mcp__{name}__{tool}" for name, tools in lists for tool in tools or ())

    def has(self, tool: str) -> bool:
        """Say whether one of the servers listed ``tool``."""
        return any(tool in (server.tools or ()) for server in self._servers)

    def call(self, tool: str, arguments: Mapping[str, object]) -> ToolAnswer:
        """Call ``tool`` on the first server that listed it.

        Raises:
            McpError: no server has the tool, or the call brought no answer.
        """
        for server in self._servers:
            if tool in (server.tools or ()):
                return server.call(tool, arguments)
        raise McpError(f"no server has the tool {tool}")

    def close(self) -> None:
        """End every server."""
        for server in self._servers:
            server.close()


class _Server:
    """One server, its tools once known, and the one restart it is granted if it died."""

    def __init__(self, spec: LaunchSpec, speed: float) -> None:
        self.name = spec.name
        self.tools: Sequence[str] | None = None
        self.settled = threading.Event()
        self._spec = spec
        self._speed = speed
        self._session: McpSession | None = None
        self._lock = threading.Lock()
        self._restarts_left = 1
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._first_start, name=f"mcp-start-{self.name}", daemon=True).start()

    def _first_start(self) -> None:
        try:
            with self._lock:
                self._open()
        except McpSpawnError as error:
            _warn(f"#1027 CRITICAL: management MCP {self.name!r} could not be SPAWNED: {error}")
        except McpEndedError as error:
            _warn(f"#1027 CRITICAL: management MCP {self.name!r} FAILED TO LAUNCH ({error})")
        except McpError as error:
            _warn(f"management MCP {self.name!r}: handshake timed out or was refused: {error}")
        finally:
            self.settled.set()

    def _open(self) -> McpSession:
        if self._closed:
            raise McpError(f"{self.name}: the runtime is ending")
        self._session = McpSession(self._spec)
        self.tools = self._session.handshake(_handshake_limit(self._speed))
        return self._session

    def call(self, tool: str, arguments: Mapping[str, object]) -> ToolAnswer:
        with self._lock:
            session = self._session
            if session is None or not session.is_alive:
                if not self._restarts_left:
                    raise McpError(f"{self.name}: the server ended and has been restarted once already")
                self._restarts_left -= 1
                if session is not None:
                    session.close()
                session = self._open()
        return session.call_tool(tool, arguments, real_timeout(_CALL_SECONDS, self._speed))

    def close(self) -> None:
        self._closed = True
        session = self._session  # without the lock: a handshake under way must not hold up the end
        if session is not None:
            session.close()


def _handshake_limit(speed: float) -> float:
    """Return the wall seconds of a handshake; the floor of real work would hide the fault that is about them."""
    exact = parameters("mcp-handshake-timeout") is not None
    return _HANDSHAKE_SECONDS / speed if exact else real_timeout(_HANDSHAKE_SECONDS, speed)


def _warn(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
