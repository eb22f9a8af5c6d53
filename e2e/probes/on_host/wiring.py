"""Which MCP servers the agent really gets: three channels, the last one to name a server wins.

The template's executor adds up ``mcp_servers`` of ``config.yaml`` (a list), ``mcp_servers`` of ``mcp_servers.yaml`` (a
list) and the settings file's map, in this order; entries without a command are skipped without a word, and the name
``a2a`` is the runtime's own (docs/platform.md, plugin delivery).
"""

from typing import Any

from e2e.probes.on_host.facts import COMMAND, NAME, ODD, VARIABLE, fitting, names, number

CHANNELS = ("config", "servers_file", "settings")
"""The channels by rank: a later one wins."""

_RESERVED = "a2a"
_STATES = frozenset(
    {
        "absent",
        "not_a_file",
        "unreadable",
        "too_large",
        "no_parser",
        "malformed",
        "empty",
        "not_an_object",
        "not_a_list",
    }
)
_AT_MOST = 60


def effective_wiring(channels: "dict[str, Any]", server: str) -> "dict[str, Any]":
    """Return what each channel says and what comes of it, and from where the contract's ``server`` would come.

    A channel is ``{"state": ..., "servers": [{"name", "command", "args_count", "environment_names"}, ...]}`` as read
    in the container; nothing of it is believed. ``source`` is None where no channel launches the server.
    """
    chosen: dict[str, dict[str, Any]] = {}
    said = {}
    named_by = []
    skipped = 0
    for channel in CHANNELS:
        state, entries = _channel(channels.get(channel))
        said[channel] = {"state": state, "servers": len(entries)}
        for entry in entries:
            name, command = entry.get("name"), entry.get("command")
            if name == server and channel not in named_by:
                named_by.append(channel)
            if not isinstance(name, str) or not isinstance(command, str) or not command or name == _RESERVED:
                skipped += 1
                continue
            chosen[name] = {
                "name": fitting(NAME, name) or ODD,
                "source": channel,
                "command": fitting(COMMAND, command) or ODD,
                "args_count": number(entry.get("args_count")),
                "environment_names": names(VARIABLE, _texts(entry.get("environment_names"))),
            }
    return {
        "channels": said,
        "effective": [chosen[name] for name in sorted(chosen)][:_AT_MOST],
        "skipped": skipped,
        "named_by": named_by,
        "source": chosen[server]["source"] if server in chosen else None,
    }


def settings_channel(state: object, servers: object) -> "dict[str, Any]":
    """Return the settings file's map as a channel."""
    if not isinstance(servers, dict):
        return {"state": state, "servers": []}
    entries: list[dict[str, Any]] = []
    for name, entry in servers.items():
        given = entry if isinstance(entry, dict) else {}
        arguments, environment = given.get("args"), given.get("env")
        entries.append(
            {
                "name": name,
                "command": given.get("command"),
                "args_count": len(arguments) if isinstance(arguments, list) else 0,
                "environment_names": list(environment) if isinstance(environment, dict) else [],
            }
        )
    return {"state": state, "servers": entries}


def _channel(given: object) -> "tuple[str, list[dict[str, Any]]]":
    if not isinstance(given, dict):
        return "unreadable", []
    state, servers = given.get("state"), given.get("servers")
    if state != "ok":
        return (state if isinstance(state, str) and state in _STATES else "unreadable"), []
    entries = [one if isinstance(one, dict) else {} for one in servers] if isinstance(servers, list) else []
    return "ok", entries[: 4 * _AT_MOST]


def _texts(values: object) -> "list[str]":
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
