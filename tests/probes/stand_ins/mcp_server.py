#!/usr/bin/env python3
"""A small MCP server for the probe's tests. FAKE_MODE says how it misbehaves, FAKE_ANSWER what a call returns."""

import json
import os
import sys
import time

MODE = os.environ.get("FAKE_MODE", "good")
TOOL = os.environ.get("FAKE_TOOL", "create_workspace")
SCHEMA = json.loads(
    os.environ.get("FAKE_SCHEMA")
    or '{"type":"object","properties":{"name":{"type":"string"},"model":{"type":"string"}},"required":["name"]}'
)


def say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    if MODE == "dies":
        sys.stderr.write("npm ERR! code ETARGET token=CANARY-in-stderr\n")
        raise SystemExit(3)
    if MODE == "stubborn":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if MODE == "noise":
        sys.stdout.write("\x1b[32mINFO\x1b[39m starting, token CANARY-in-noise\n{not json\n\n[1,2]\n")
    for line in sys.stdin:
        request = json.loads(line)
        method, number = request.get("method"), request.get("id")
        if number is None:
            continue
        if method == "initialize":
            if MODE == "silent":
                time.sleep(60)
            reply = {
                "protocolVersion": request["params"]["protocolVersion"],
                "serverInfo": {"name": "molecule-platform", "version": "1.0.0"},
                "capabilities": {"tools": {}},
            }
        elif method == "tools/list":
            if MODE == "stalls":
                time.sleep(60)
            if MODE == "list-error":
                say({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "CANARY-in-error"}})
                continue
            if MODE == "asks":
                say({"jsonrpc": "2.0", "id": number, "method": "ping"})
            if "cursor" in request["params"]:
                reply = {"tools": [{"name": TOOL, "inputSchema": SCHEMA}]}
            else:
                reply = {"tools": [{"name": "list_workspaces", "inputSchema": {"type": "object"}}], "nextCursor": "2"}
        elif method == "tools/call":
            if MODE == "call-dies":
                raise SystemExit(9)
            answer = os.environ.get("FAKE_ANSWER") or json.dumps(
                {
                    "id": "7a1b6c1e-0000-4000-8000-0123456789ab",
                    "status": "provisioning",
                    "auth_token": "CANARY-fresh-token",
                    "asked": request["params"]["arguments"],
                }
            )
            reply = {"content": [{"type": "text", "text": answer}], "isError": MODE == "is-error"}
        else:
            continue
        say({"jsonrpc": "2.0", "id": number, "result": reply})
    if MODE == "stubborn":
        time.sleep(60)


main()
