"""The probe: looks at one host and prints one JSON document of facts.

It reads its request as JSON from standard input and never raises: a part that fails is ``{"error": <class>}`` and
the others stand. Only a crash of the whole ends with something other than 0.
"""

import json
import os
import sys
import time
from datetime import datetime, timezone
from typing import Any

from e2e.probes.on_host.concierge import AgentView
from e2e.probes.on_host.containers import (
    container_facts,
    find_concierge,
    find_tenant,
    image_digest,
    inspect_all,
    of_platform,
)
from e2e.probes.on_host.cores import REGISTRY_CORES, RUNTIME_CORES
from e2e.probes.on_host.docker import Docker
from e2e.probes.on_host.facts import UUID, class_name, fitting, part, together
from e2e.probes.on_host.launch import launch
from e2e.probes.on_host.logs import Whose, read_log

VERSION = 1
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_CRASHED = 70


class Look:
    """One look at this host, part by part."""

    def __init__(self, request: "dict[str, Any]") -> None:
        self._request = request
        self._limits: dict[str, Any] = request["limits"]
        self._docker = Docker(float(self._limits["docker_seconds"]))
        self._whose = Whose(str(request["concierge_id"]), [str(one) for one in request.get("control_ids") or []])

    def containers(self) -> "dict[str, Any]":
        """Return the parts that need the list of containers."""
        every = inspect_all(self._docker)
        ours = [one for one in every if of_platform(one)]
        concierge = find_concierge(every, str(self._request["concierge_id"]))
        tenant = find_tenant(every)
        found = together(
            concierge=lambda: self._concierge(concierge) if concierge else None,
            registry_log=lambda: self._registry_log(tenant) if tenant else None,
        )
        return {
            "containers": [_one(container) for container in ours[: int(self._limits["containers"])]],
            "containers_total": len(every),
            **found,
        }

    def _concierge(self, container: "dict[str, Any]") -> "dict[str, Any]":
        view = AgentView(self._docker, container, self._request["contract"], int(self._limits["settings_bytes"]))

        def look_and_ask() -> "list[Any]":
            return [part(view.look), part(view.ask_runtime)]

        found = together(
            seen=look_and_ask,
            image=lambda: image_digest(self._docker, container),
            runtime_log=lambda: self._log(container, RUNTIME_CORES),
        )
        seen, presence = found.pop("seen")
        facts: dict[str, Any] = {
            "container": container_facts(container),
            **found,
            "presence": presence,
            "settings": view.settings if seen is None else seen,
            "wiring": view.wiring,
            "legacy_binary": view.legacy_binary,
            "plugins": view.plugins if seen is None else seen,
            "users": {"host_uid": os.getuid(), "agent_uid": view.agent_uid, "agent_user": view.user},
            **view.environment_facts(),
            "launch": None,
        }
        asked = self._request.get("launch")
        if asked:
            # By itself and last, so that nothing else on this host keeps the server waiting.
            facts["launch"] = part(lambda: launch(self._docker, container, view, asked))
        return facts

    def _registry_log(self, container: "dict[str, Any]") -> "dict[str, Any]":
        wanted = bool((self._request.get("log") or {}).get("enabled", True))
        found = together(
            image=lambda: image_digest(self._docker, container),
            log=lambda: self._log(container, REGISTRY_CORES) if wanted else None,
        )
        return {"container": container_facts(container), **found}

    def _log(self, container: "dict[str, Any]", cores: Any) -> "dict[str, Any]":
        return read_log(
            self._docker,
            str(container.get("Id")),
            cores,
            self._whose,
            head=int(self._limits["log_head"]),
            tail=int(self._limits["log_tail"]),
            byte_limit=int(self._limits["log_bytes"]),
        )


def _one(container: "dict[str, Any]") -> Any:
    return part(lambda: container_facts(container))


def host_facts() -> "dict[str, Any]":
    """Return what identifies this life of the machine, and its clock."""
    with open(_BOOT_ID, encoding="ascii") as file:  # noqa: PTH123
        boot_id = fitting(UUID, file.read().strip())
    return {
        "boot_id": boot_id,
        "uid": os.getuid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "clock": datetime.now(timezone.utc).isoformat(),  # noqa: UP017
    }


def answer(request: "dict[str, Any]") -> "dict[str, Any]":
    """Return the whole document."""
    began = time.monotonic()
    document: dict[str, Any] = {"version": VERSION, "host": part(host_facts), "docker": None}
    found: Any = part(lambda: Look(request).containers())
    if "error" in found:
        document["docker"] = found
    else:
        document.update(found)
    document["seconds"] = round(time.monotonic() - began, 3)
    return document


def main() -> int:
    """Read the request, print the document, return the exit code."""
    try:
        document = answer(json.load(sys.stdin))
        sys.stdout.write(json.dumps(document, separators=(",", ":"), ensure_ascii=True))
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - the outermost border; only the class may leave
        sys.stderr.write("probe crashed: " + class_name(error) + "\n")
        return _CRASHED
    return 0
