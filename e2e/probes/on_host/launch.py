"""Starts the management server as the runtime would, lists its tools, and may call one of them.

It runs as the agent's user, in the container's working directory, with the container's environment and what the
settings entry adds. Those additions may be secrets: they go to a small starter inside the container over its
standard input, never into arguments and never into the environment of the docker program on the host.
"""

import json
import re
import subprocess
import time
from contextlib import suppress
from typing import Any

from e2e.probes.on_host.concierge import AGENT_USERS, AgentView, entry_environment
from e2e.probes.on_host.docker import Docker, DockerTimedOut, OutputTooLarge, container_name, working_directory
from e2e.probes.on_host.facts import NAME, ODD, UUID, VERSION, class_name, fitting, names, parse_object, truth
from e2e.probes.on_host.facts import Unusable as UnusableDocument
from e2e.probes.on_host.mcp import (
    PROTOCOL_VERSION,
    RpcError,
    ServerEnded,
    ServerSilent,
    ServerTalksTooMuch,
    Session,
)

_STARTER = r"""
import json, os, sys
line = b""
while not line.endswith(b"\n"):
    byte = os.read(0, 1)
    if not byte:
        sys.exit(125)
    line += byte
try:
    os.setsid()
except OSError:
    pass
os.write(1, b"E2E-STARTED %d\n" % os.getpgrp())
variables = dict(os.environ)
variables.update(json.loads(line.decode()))
try:
    os.execvpe(sys.argv[1], sys.argv[1:], variables)
except FileNotFoundError:
    sys.exit(127)
except PermissionError:
    sys.exit(126)
"""
_END_GROUP = 'kill -s KILL -- "-$1"'
_STARTED = re.compile(rb"E2E-STARTED (\d{1,10})")
_ERROR_CODE = re.compile(r"[A-Z0-9_ ]{1,40}|HTTP \d{3}")
_STATUS = re.compile(r"[a-z_]{1,24}")
_ANSWER_BYTES = 1024 * 1024
_TOOL_PAGES = 20
_GRACE_SECONDS = 2.0
_SHORT_GRACE_SECONDS = 0.3

# What a failing server says about itself, as classes: none of its own words leave the host.
_SIGNATURES = (
    ("ETARGET", b"ETARGET"),
    ("ENOTCACHED", b"ENOTCACHED"),
    ("ERESOLVE", b"ERESOLVE"),
    ("E404", b"E404"),
    ("E401", b"E401"),
    ("no-matching-version", b"no matching version"),
    ("no-executable", b"could not determine executable"),
    ("npm-error", b"npm error"),
    ("npm-error", b"npm ERR!"),
    ("auth-error", b"AUTH_ERROR"),
    ("bad-log-level", b"default level:NaN"),
    ("module-not-found", b"ModuleNotFoundError"),
    ("module-not-found", b"Cannot find module"),
    ("permission-denied", b"Permission denied"),
    ("not-found", b"No such file or directory"),
    ("not-found", b"not found"),
    ("traceback", b"Traceback (most recent call last)"),
    ("unreachable", b"unreachable"),
    ("unreachable", b"Cannot reach"),
)


def launch(docker: Docker, container: "dict[str, Any]", view: AgentView, asked: "dict[str, Any]") -> "dict[str, Any]":
    """Start the server, list its tools, call one if asked, end it, and return what may be told of it.

    ``asked``: ``tool_names``, ``handshake_seconds``, and optionally ``call`` with ``arguments`` and ``call_seconds``.
    """
    source, command, reason = _what_to_start(view)
    facts: dict[str, Any] = {
        "source": source,
        "launched": False,
        "phase": "start",
        "trouble": reason,
        "tool": None,
        "call": None,
    }
    if command is None:
        return facts
    identity = str(container.get("Id") or container_name(container))
    user = view.user or AGENT_USERS[0]
    arguments = ["exec", "-i", "-u", user, "-w", working_directory(container), identity]
    process = subprocess.Popen(
        [docker.program, *arguments, "python3", "-I", "-S", "-c", _STARTER, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    session = Session(process)
    group: str | None = None
    began = time.monotonic()
    try:
        group = _start(process, session, view, began + docker.seconds)
        facts["launched"] = True
        _converse(session, facts, asked)
    except (ServerEnded, ServerSilent, ServerTalksTooMuch) as error:
        facts["trouble"] = class_name(error)
    except RpcError as error:
        facts["trouble"], facts["rpc_error"] = "RpcError", error.code
    finally:
        grace = _SHORT_GRACE_SECONDS if facts["trouble"] else _GRACE_SECONDS
        facts["exit_code"] = session.end(grace, lambda: _end_group(docker, user, identity, group))
    facts["seconds"] = round(time.monotonic() - began, 3)
    facts["non_json_lines"] = session.non_json_lines
    facts["stderr"] = {"bytes": session.error_bytes, "signs": _signs(session.errors)}
    return facts


def _end_group(docker: Docker, user: str, identity: str, group: "str | None") -> None:
    """End the server's process group inside the container; best effort, as it may have ended meanwhile."""
    if group is not None:
        with suppress(DockerTimedOut, OutputTooLarge):
            docker.attempt("exec", "-u", user, identity, "sh", "-c", _END_GROUP, "end", group, limit=_ANSWER_BYTES)


def _what_to_start(view: AgentView) -> "tuple[str | None, list[str] | None, str | None]":
    """Return where the server comes from, its command line, and why there is none."""
    entry = view.settings.get("entry") or {}
    if entry.get("present"):
        command = view.entry.get("command") if isinstance(view.entry, dict) else None
        if not isinstance(command, str) or not command or "\0" in command:
            return "settings", None, "NoCommand"
        given = view.entry.get("args")
        if given is not None and not isinstance(given, list):
            return "settings", None, "BadArguments"
        words = [str(word) for word in given or []]
        if any("\0" in word for word in words):
            return "settings", None, "BadArguments"
        return "settings", [command, *words], None
    if view.legacy_binary:
        return "legacy", [view.legacy_path], None
    return None, None, "NothingToStart"


def _start(process: "subprocess.Popen[bytes]", session: Session, view: AgentView, deadline: float) -> str:
    """Hand the starter the variables and return the process group that the server runs in."""
    if process.stdin is None:
        raise ServerEnded
    try:
        given = entry_environment(view.entry).items()
        variables = {name: value for name, value in given if name and "=" not in name and "\0" not in name + value}
        process.stdin.write(json.dumps(variables).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        raise ServerEnded from None
    started = _STARTED.fullmatch(session.read_line(deadline))
    if started is None:
        raise ServerEnded
    return started[1].decode("ascii")


def _converse(session: Session, facts: "dict[str, Any]", asked: "dict[str, Any]") -> None:
    deadline = time.monotonic() + float(asked["handshake_seconds"])
    facts["phase"] = "initialize"
    client = {"name": "concierge-e2e", "version": "1"}
    hello = session.request(
        "initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client}, deadline
    )
    server = _object(hello.get("serverInfo"))
    facts["server"] = {"name": fitting(NAME, server.get("name")), "version": fitting(VERSION, server.get("version"))}
    facts["protocol"] = fitting(VERSION, hello.get("protocolVersion"))
    session.notify("notifications/initialized")
    facts["phase"] = "tools_list"
    tools = _list_tools(session, deadline)
    facts["tool_names"] = names(NAME, [tool.get("name") for tool in tools], 200)
    facts["tools_total"] = len(tools)
    facts["phase"] = "listed"
    call = asked.get("call") or {}
    given = call.get("arguments") or asked.get("arguments") or {}
    wanted = [tool for name in asked["tool_names"] for tool in tools if tool.get("name") == name]
    if not wanted:
        return
    name = str(wanted[0]["name"])
    facts["tool"] = {"name": fitting(NAME, name), **takes(wanted[0].get("inputSchema"), given)}
    if call:
        facts["phase"] = "call"
        facts["call"] = _call(session, name, given, float(asked["call_seconds"]))
        facts["phase"] = "done"


def _list_tools(session: Session, deadline: float) -> "list[dict[str, Any]]":
    tools: list[dict[str, Any]] = []
    cursor: Any = None
    for _ in range(_TOOL_PAGES):
        page = session.request("tools/list", {"cursor": cursor} if cursor else {}, deadline)
        listed = page.get("tools")
        tools += [tool for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or not cursor:
            break
    return tools


def takes(schema: Any, arguments: "dict[str, Any]") -> "dict[str, Any]":
    """Say whether a tool's input schema takes our arguments: known, of the right type, nothing else required."""
    if not isinstance(schema, dict):
        return {"schema": "absent", "takes_arguments": None}
    properties, given = _object(schema.get("properties")), schema.get("required")
    required = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    missing = [name for name in required if name not in arguments]
    closed = schema.get("additionalProperties") is False
    unknown = [name for name in arguments if name not in properties] if closed else []
    wrong = [name for name, value in arguments.items() if not _suits(properties.get(name), value)]
    right_kind = schema.get("type", "object") == "object"
    return {
        "schema": "object" if right_kind else "other",
        "required": names(NAME, required),
        "properties": names(NAME, properties),
        "missing": names(NAME, missing),
        "unknown": names(NAME, unknown),
        "wrong_type": names(NAME, wrong),
        "takes_arguments": right_kind and not missing and not unknown and not wrong,
    }


def _object(value: Any) -> "dict[str, Any]":
    return value if isinstance(value, dict) else {}


def _suits(schema: Any, value: Any) -> bool:
    if not isinstance(schema, dict):
        return True
    if isinstance(schema.get("anyOf"), list):
        return any(_suits(choice, value) for choice in schema["anyOf"])
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return False
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return kind is None or {str: "string", bool: "boolean", int: "integer", float: "number"}.get(type(value)) in kinds


def _call(session: Session, name: str, arguments: "dict[str, Any]", seconds: float) -> "dict[str, Any]":
    """Call the tool once. Its answer carries a fresh token: only what is named here is taken from it."""
    began = time.monotonic()
    facts: dict[str, Any] = {"answered": False, "trouble": None}
    try:
        result = session.request("tools/call", {"name": name, "arguments": arguments}, began + seconds)
    except RpcError as error:
        facts.update(answered=True, trouble="RpcError", rpc_error=error.code)
        return facts
    except (ServerEnded, ServerSilent, ServerTalksTooMuch) as error:
        facts["trouble"] = class_name(error)
        return facts
    finally:
        facts["seconds"] = round(time.monotonic() - began, 3)
    facts.update(answered=True, is_error=truth(result.get("isError")) or False)
    content = result.get("content")
    texts = [item.get("text") for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    text = texts[0] if texts and isinstance(texts[0], str) else ""
    try:
        answer, _ = parse_object(text.encode("utf-8", "replace"), _ANSWER_BYTES)
    except UnusableDocument as error:
        facts["answer"] = str(error)
        return facts
    status = answer.get("status")
    facts["answer"] = "object"
    facts["has_error"] = "error" in answer
    facts["error"] = fitting(_ERROR_CODE, answer.get("error")) or (ODD if "error" in answer else None)
    facts["status"] = status if isinstance(status, int) and 100 <= status < 600 else fitting(_STATUS, status)
    facts["workspace_id"] = fitting(UUID, answer.get("id"))
    return facts


def _signs(errors: bytes) -> "list[str]":
    return sorted({sign for sign, text in _SIGNATURES if text in errors})
