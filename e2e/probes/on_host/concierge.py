"""Looks at the concierge as its own user sees it: the settings file, what is installed, what the runtime says."""

import json
import os
from typing import Any

from e2e.probes.on_host.docker import Docker, DockerFailed, container_name, environment
from e2e.probes.on_host.facts import (
    COMMAND,
    NAME,
    ODD,
    PLUGIN_SOURCE,
    VARIABLE,
    VERSION,
    Unusable,
    fitting,
    names,
    parse_object,
    truth,
)
from e2e.probes.on_host.wiring import effective_wiring, settings_channel

AGENT_USERS = ("agent", "1000")
_OUTPUT_BYTES = 256 * 1024

# Run in the container by its own sh. Every path is an argument of its own; names are filtered before they are
# printed, so that no name can pass for another line.
_AGENT_VIEW = r"""
printf 'uid %s\n' "$(id -u)"
if [ -e "$2" ]; then echo 'legacy 1'; else echo 'legacy 0'; fi
for folder in "$3"/*/; do
  [ -d "$folder" ] || continue
  name=${folder%/}; name=${name##*/}
  case "$name" in *[!A-Za-z0-9._-]*) name='(odd)';; esac
  if [ -e "$folder/plugin.yaml" ]; then echo "plugin 1 $name"; else echo "plugin 0 $name"; fi
done
if [ -d "$1" ]; then echo 'settings not_a_file'
elif [ ! -e "$1" ] && [ ! -L "$1" ]; then echo 'settings absent'
elif [ ! -e "$1" ]; then echo 'settings unreadable'
elif [ ! -f "$1" ]; then echo 'settings not_a_file'
elif [ ! -r "$1" ]; then echo 'settings unreadable'
else echo 'settings content'; exec head -c "$4" "$1"
fi
"""

# Run in the container by its own Python, as the agent. It asks the installed runtime, nothing of ours.
_RUNTIME_VIEW = r"""
import importlib, json, os, shutil, signal, sys
nonce, field, command, seconds, config_path, servers_path, limit = sys.argv[1:8]
signal.alarm(int(seconds))  # ends this process even if the runtime hangs: nobody else would
given = json.loads(sys.stdin.read())
found = {"answer": "unreadable", "detail": None, "fields": [], "resolved": None, "version": None, "channels": {}}
module = "molecule_runtime.platform_agent_identity"
try:
    ask = getattr(importlib.import_module(module), "identity_gate_payload", None)
    if ask is None:
        found["answer"] = "absent"
    else:
        payload = ask()
        found["fields"] = [str(name) for name in payload]
        value = payload.get(field, None)
        if value is None:
            found["answer"] = "absent"
        elif value is True or value is False:
            found["answer"] = "true" if value else "false"
        else:
            found["detail"] = type(value).__name__
except ModuleNotFoundError as error:
    found["detail"] = type(error).__name__
    if error.name in (module, module.partition(".")[0]):
        found["answer"] = "absent"
except BaseException as error:
    found["detail"] = type(error).__name__
try:
    if command:
        found["resolved"] = shutil.which(command, path=given.get("path")) or False
except Exception:
    pass
try:
    import molecule_runtime
    found["version"] = getattr(molecule_runtime, "__version__", None)
    if found["version"] is None:
        from importlib import metadata
        for name in ("molecule-ai-workspace-runtime", "molecules-workspace-runtime"):
            try:
                found["version"] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
except Exception:
    pass
def entry_of(one):
    if not isinstance(one, dict):
        return {}
    args, env = one.get("args"), one.get("env")
    return {
        "name": one.get("name") if isinstance(one.get("name"), str) else None,
        "command": one.get("command") if isinstance(one.get("command"), str) else None,
        "args_count": len(args) if isinstance(args, list) else 0,
        "environment_names": [str(name) for name in env][:60] if isinstance(env, dict) else [],
    }
def channel(path):
    try:
        if not os.path.lexists(path):
            return {"state": "absent"}
        if not os.path.isfile(path):
            return {"state": "not_a_file" if os.path.exists(path) else "unreadable"}
        with open(path, "rb") as file:
            content = file.read(int(limit) + 1)
    except OSError:
        return {"state": "unreadable"}
    if len(content) > int(limit):
        return {"state": "too_large"}
    try:
        import yaml
    except Exception:
        return {"state": "no_parser"}
    try:
        document = yaml.safe_load(content)
    except Exception:
        return {"state": "malformed"}
    if document is None:
        return {"state": "empty"}
    if not isinstance(document, dict):
        return {"state": "not_an_object"}
    servers = document.get("mcp_servers")
    if servers is not None and not isinstance(servers, list):
        return {"state": "not_a_list"}
    return {"state": "ok", "servers": [entry_of(one) for one in servers or []][:240]}
for name, path in (("config", config_path), ("servers_file", servers_path)):
    try:
        found["channels"][name] = channel(path)
    except BaseException:
        found["channels"][name] = {"state": "unreadable"}
print("\n" + nonce + " " + json.dumps(found))
"""


class AgentView:
    """What the agent's user sees in the concierge's container; ``entry`` stays on the host."""

    def __init__(self, docker: Docker, container: "dict[str, Any]", contract: "dict[str, str]", limit: int) -> None:
        self._docker = docker
        self._container = str(container.get("Id") or container_name(container))
        self._contract = contract
        self._limit = limit
        self.legacy_path = contract["legacy_binary_path"]
        self.environment = environment(container)
        self.user: str | None = None
        self.agent_uid: int | None = None
        self.legacy_binary: bool | None = None
        self.plugins: list[dict[str, Any]] = []
        self.entry: Any = None
        self.settings: dict[str, Any] = {"path": contract["settings_path"], "state": None}
        self.wiring: dict[str, Any] | None = None
        self._servers: Any = None

    def look(self) -> None:
        """Look once, as the agent.

        Raises:
            DockerFailed: neither name of the agent's user is known in the container.
        """
        for user in AGENT_USERS:
            code, content = self._agent_view(user)
            if code == 0 and content.startswith(b"uid "):
                self.user = user
                break
        else:
            raise DockerFailed
        state = "unreadable"
        while content:
            line, _, content = content.partition(b"\n")
            word, _, value = line.decode("ascii", "replace").partition(" ")
            if word == "uid":
                self.agent_uid = int(value) if value.isdigit() else None
            elif word == "legacy":
                self.legacy_binary = value == "1"
            elif word == "plugin":
                self._plugin(value)
            elif word == "settings":
                state = value
                break
        self._read_settings(state, content)

    def _agent_view(self, user: str) -> "tuple[int, bytes]":
        return self._docker.attempt(
            "exec",
            "-u",
            user,
            self._container,
            "sh",
            "-c",
            _AGENT_VIEW,
            "look",
            self._contract["settings_path"],
            self._contract["legacy_binary_path"],
            self._contract["plugins_path"],
            str(self._limit + 1),
            limit=self._limit + _OUTPUT_BYTES,
        )

    def _plugin(self, text: str) -> None:
        described, _, name = text.partition(" ")
        if len(self.plugins) < 40:
            self.plugins.append({"name": fitting(NAME, name) or ODD, "described": described == "1"})

    def _read_settings(self, state: str, content: bytes) -> None:
        facts = self.settings
        if state == "absent" and self._exists_for_root():
            state = "unreadable"
        if state != "content":
            facts["state"] = state if state in {"absent", "unreadable", "not_a_file"} else "unreadable"
            return
        try:
            document, repeated = parse_object(content, self._limit)
        except Unusable as error:
            facts["state"] = str(error)
            return
        key, server = self._contract["key"], self._contract["mcp_server_name"]
        servers = self._servers = document.get(key)
        facts.update(state="ok", duplicate_keys=repeated, key_present=key in document)
        facts["key_is_object"] = isinstance(servers, dict)
        facts["servers"] = names(NAME, servers) if isinstance(servers, dict) else []
        present = isinstance(servers, dict) and server in servers
        self.entry = servers[server] if isinstance(servers, dict) and present else None
        facts["entry"] = {"present": present, **entry_facts(self.entry)} if present else {"present": False}

    def _exists_for_root(self) -> bool:
        """Whether root sees a file that the agent does not: a folder above it is closed to the agent."""
        code, _ = self._docker.attempt(
            "exec", "-u", "0", self._container, "test", "-e", self._contract["settings_path"], limit=_OUTPUT_BYTES
        )
        return code == 0

    def ask_runtime(self) -> "dict[str, Any]":
        """Ask the installed runtime what it would report, and whether the entry's command resolves.

        Raises:
            DockerFailed, DockerTimedOut, ValueError: there was no answer to read.
        """
        nonce = "E2E" + os.urandom(16).hex()
        command = self.entry.get("command") if isinstance(self.entry, dict) else None
        path = entry_environment(self.entry).get("PATH")
        code, content = self._docker.attempt(
            "exec",
            "-i",
            "-u",
            self.user or AGENT_USERS[0],
            self._container,
            "python3",
            "-B",
            "-c",
            _RUNTIME_VIEW,
            nonce,
            self._contract["runtime_present_field"],
            command if isinstance(command, str) and "\0" not in command else "",
            str(max(1, int(self._docker.seconds))),
            self._contract["config_path"],
            self._contract["servers_path"],
            str(self._limit),
            limit=_OUTPUT_BYTES,
            given=json.dumps({"path": path}).encode(),
        )
        answers = [line for line in content.decode("utf-8", "replace").split("\n") if line.startswith(nonce + " ")]
        if code != 0 or len(answers) != 1:
            raise DockerFailed
        found = json.loads(answers[0][len(nonce) + 1 :])
        channels = found.get("channels")
        self.wiring = effective_wiring(
            {
                **(channels if isinstance(channels, dict) else {}),
                "settings": settings_channel(self.settings["state"], self._servers),
            },
            self._contract["mcp_server_name"],
        )
        resolved = found.get("resolved")
        if "entry" in self.settings and self.settings["entry"].get("present"):
            self.settings["entry"]["command_resolves"] = None if resolved is None else resolved is not False
            self.settings["entry"]["resolved_path"] = fitting(COMMAND, resolved)
        answer = found.get("answer")
        return {
            "answer": answer if answer in {"true", "false", "absent", "unreadable"} else "unreadable",
            "detail": fitting(VARIABLE, found.get("detail")),
            "fields": names(VARIABLE, found.get("fields") or [], 20),
            "runtime_version": fitting(VERSION, found.get("version")),
        }

    def environment_facts(self) -> "dict[str, Any]":
        """Return the names of the container's variables that are not empty, and the plugins it declares."""
        declared = [source.strip() for source in self.environment.get("MOLECULE_DECLARED_PLUGINS", "").split(",")]
        return {
            "environment_names": names(VARIABLE, [name for name, value in self.environment.items() if value], 120),
            "declared_plugins": [fitting(PLUGIN_SOURCE, source) or ODD for source in declared if source][:40],
        }


def entry_facts(entry: Any) -> "dict[str, Any]":
    """Return what may be told of a server's entry: its command, how many arguments, the names it sets."""
    kind = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}.get(type(entry), "number")
    if not isinstance(entry, dict):
        return {"type": kind}
    command, arguments = entry.get("command"), entry.get("args")
    return {
        "type": kind,
        "command": fitting(COMMAND, command) or (None if command is None else ODD),
        "args_count": len(arguments) if isinstance(arguments, list) else (0 if arguments is None else None),
        "environment_names": names(VARIABLE, entry_environment(entry)),
        "disabled": truth(entry.get("disabled")),
        "command_resolves": None,
        "resolved_path": None,
    }


def entry_environment(entry: Any) -> "dict[str, str]":
    """Return the variables an entry sets, text values only."""
    given = entry.get("env") if isinstance(entry, dict) else None
    if not isinstance(given, dict):
        return {}
    return {name: value for name, value in given.items() if isinstance(value, str)}
