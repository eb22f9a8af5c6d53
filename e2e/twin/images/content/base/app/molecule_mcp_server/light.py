"""The light management MCP server: JSON-RPC over stdio on the standard library, for runs in large numbers.

Tools run in threads of their own, so that a slow one holds up nobody.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from typing import TextIO

from molecule_mcp_server.settings import ServerSettings
from molecule_mcp_server.start_faults import dies_at_start, hangs_at_start
from molecule_mcp_server.startup import VERSION, look_at_platform, server_name
from molecule_mcp_server.tools import Toolbox

__all__ = ["LightServer", "main"]

_PROTOCOLS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")


class LightServer:
    """Answers the messages of one client."""

    def __init__(self, settings: ServerSettings, output: TextIO) -> None:
        """Offer the tools of ``settings``' mode and write answers to ``output``."""
        self._name = server_name(settings)
        self._toolbox = Toolbox(settings)
        self._output = output
        self._writing = threading.Lock()

    def serve(self, source: TextIO) -> None:
        """Read lines until the client closes its end; what is not a JSON-RPC request is ignored."""
        for line in source:
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(message, dict) or "method" not in message or message.get("id") is None:
                continue
            if message["method"] == "tools/call":
                threading.Thread(target=self._answer, args=(message,), daemon=True).start()
            else:
                self._answer(message)
        # Held for good: a thread that is still at work must not write while the interpreter shuts down.
        self._writing.acquire()

    def _answer(self, message: Mapping[str, object]) -> None:
        parameters = message.get("params")
        answer = self._dispatch(message["method"], parameters if isinstance(parameters, dict) else {})
        line = json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}, ensure_ascii=False)
        with self._writing:
            self._output.write(line + "\n")
            self._output.flush()

    def _dispatch(self, method: object, parameters: Mapping[str, object]) -> Mapping[str, object]:
        if method == "initialize":
            wanted = parameters.get("protocolVersion")
            return {
                "result": {
                    "protocolVersion": wanted if wanted in _PROTOCOLS else _PROTOCOLS[-1],
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": self._name, "version": f"{VERSION}-light"},
                }
            }
        if method == "ping":
            return {"result": {}}
        if method == "tools/list":
            return {
                "result": {
                    "tools": [_listed(tool.name, tool.description, tool.input_schema) for tool in self._toolbox.tools]
                }
            }
        if method == "tools/call":
            return self._call(parameters)
        return {"error": {"code": -32601, "message": "Method not found"}}

    def _call(self, parameters: Mapping[str, object]) -> Mapping[str, object]:
        name, arguments = parameters.get("name"), parameters.get("arguments")
        if not isinstance(name, str) or not (arguments is None or isinstance(arguments, dict)):
            return {"error": {"code": -32602, "message": "Invalid request parameters", "data": ""}}
        result = self._toolbox.call(name, arguments or {})
        content = {"content": [{"type": "text", "text": result.text}]}
        return {"result": {**content, "isError": True} if result.is_error else content}


def _listed(name: str, description: str, schema: Mapping[str, object]) -> Mapping[str, object]:
    execution = {"taskSupport": "forbidden"}
    return {"name": name, "description": description, "inputSchema": schema, "execution": execution}


def main() -> int:
    """Serve this process's stdin and stdout until stdin ends."""
    if dies_at_start():
        return 1
    settings = ServerSettings.from_environment(os.environ)
    hangs_at_start(settings.speed)
    look_at_platform(settings)
    LightServer(settings, sys.stdout).serve(sys.stdin)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
