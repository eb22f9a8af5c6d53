"""From the facts of several hosts to one view: which host has what is discovered here, never assumed."""

from collections.abc import Mapping
from typing import Any

from e2e.contract import Contract

_REFUSING = {
    "registry_register_400": None,
    "heartbeat_denied_mcp": "mcp_server_missing",
    "heartbeat_denied_model": "model_missing",
    "gate_denial_other": "other",
    "tools_declared_not_loaded": "tools_not_loaded",
    "tools_not_reported": "tools_not_reported",
    "tools_lookup_failed": "tools_lookup_failed",
    "tools_gate_other": "tools_other",
}
"""Cores of the registry log that refuse a concierge, with the reason each stands for (docs/platform.md, registry log)."""


def summarise(documents: Mapping[str, Any], contract: Contract, *, asked: bool) -> dict[str, Any]:
    """Return the view of one look; a part that no host showed is None, never "absent"."""
    summary: dict[str, Any] = {"concierge": None, "settings": None, "presence": None, "launch": None, "registry": None}
    for instance_id, document in documents.items():
        host = _part(document.get("host")) or {}
        concierge = _part(document.get("concierge"))
        if concierge is not None:
            summary["concierge"] = _concierge(instance_id, host, concierge)
            summary["settings"] = _settings(_part(concierge.get("settings")))
            presence = _part(concierge.get("presence"))
            summary["presence"] = presence.get("answer") if presence is not None else None
            summary["launch"] = _launch(concierge.get("launch"), contract) if asked else None
        log = _part(document.get("registry_log"))
        if log is not None:
            summary["registry"] = _registry(log)
    return summary


def _part(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) and "error" not in value else None


def _concierge(instance_id: str, host: Mapping[str, Any], concierge: Mapping[str, Any]) -> dict[str, Any]:
    container = _part(concierge.get("container")) or {}
    users = _part(concierge.get("users")) or {}
    real = users.get("host_uid") == 0 and users.get("agent_uid") not in (None, 0)
    presence = _part(concierge.get("presence")) or {}
    return {
        "incarnation": {
            "instance_id": instance_id,
            "boot_id": host.get("boot_id"),
            "container_id": container.get("id"),
            "started_at": container.get("started_at"),
            "restart_count": container.get("restart_count"),
        },
        "provenance": {
            "image": _part(concierge.get("image")),
            "image_reference": container.get("image_reference"),
            "runtime_version": presence.get("runtime_version"),
            "host_users": "real" if real else "same",
        },
    }


def _settings(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if settings is None or settings.get("state") is None:
        return None
    entry = settings.get("entry") or {}
    return {
        "state": settings["state"],
        "servers": settings.get("servers"),
        "duplicate_keys": settings.get("duplicate_keys"),
        "entry_present": entry.get("present") is True,
        "command": entry.get("command"),
        "command_resolves": entry.get("command_resolves"),
    }


def _registry(log: Mapping[str, Any]) -> dict[str, Any]:
    container = _part(log.get("container")) or {}
    matches = log.get("matches") or []
    return {
        "container": f"{container.get('id')} {container.get('started_at')} {container.get('restart_count')}",
        "readable": log.get("readable") is True and log.get("complete") is True,
        "lines": log.get("lines"),
        "left_out": log.get("matches_left_out"),
        "controls": [
            {"id": m["control_id"], "position": m["position"]}
            for m in matches
            if m.get("workspace") == "control" and m.get("reason") == "invalid_kind"
        ],
        "refusals": [
            {
                "position": m["position"],
                "time": m.get("time"),
                "core": m["core"],
                "reason": m.get("reason") or _REFUSING[m["core"]],
            }
            for m in matches
            if m.get("workspace") == "concierge" and m["core"] in _REFUSING
        ],
    }


def _launch(facts: Any, contract: Contract) -> dict[str, Any]:
    """Return what the launch came to; ``asked`` stays true where it could not even begin."""
    if not isinstance(facts, dict) or "error" in facts:
        trouble = facts.get("error") if isinstance(facts, dict) else "NotTaken"
        facts = {"launched": False, "phase": "start", "trouble": trouble}
    call = contract.create_workspace
    tools = facts.get("tool_names")
    answer = facts.get("call") or {}
    answered = answer.get("answered") is True and answer.get("trouble") is None
    return {
        "asked": True,
        "launched": facts.get("launched") is True,
        "source": facts.get("source"),
        "phase": facts.get("phase"),
        "trouble": facts.get("trouble"),
        "timed_out": facts.get("trouble") == "ServerSilent",
        "exit_code": facts.get("exit_code"),
        "server_info": facts.get("server"),
        "tools": tools,
        "required_listed": tools is not None and call.required_tool in tools,
        "other_names": [name for name in call.tool_names if tools and name in tools and name != call.required_tool],
        "takes_arguments": (facts.get("tool") or {}).get("takes_arguments") is True,
        "call_answered": answered,
        "call_trouble": answer.get("trouble") or (None if answer else "not called"),
        "call_error": _call_error(answer) if answered else None,
        "call_status": answer.get("status"),
        "workspace_id": answer.get("workspace_id"),
    }


def _call_error(answer: Mapping[str, Any]) -> str | None:
    """Return the error of an answer that came: an HTTP failure is an ordinary result without ``isError``."""
    if answer.get("is_error") is True:
        return str(answer.get("error") or "isError")
    if answer.get("has_error") is True:
        return str(answer.get("error"))
    return None if answer.get("workspace_id") else "no workspace id in the answer"
