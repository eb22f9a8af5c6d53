"""From the facts of several hosts to one view, as the event log has it; what nobody saw is None, never "absent"."""

from collections.abc import Sequence
from typing import Any

from e2e.contract import Contract
from e2e.probes.look import HostLook, Look
from e2e.probes.registry_texts import refusals
from e2e.probes.seen import CallSeen, ConciergeSeen, LaunchSeen, LogMatch, RegistrySeen, SettingsSeen

_REASONS = {
    "register_denied_mcp": "platform_agent_mcp_server_missing",
    "register_denied_model": "platform_agent_model_missing",
    "heartbeat_denied_mcp": "platform_agent_mcp_server_missing",
    "heartbeat_denied_model": "platform_agent_model_missing",
}
"""The reason that a line of the registry log stands for where it does not spell it (docs/platform.md, registry log)."""


def summarise(look: Look, contract: Contract, forbidden: Sequence[str], *, asked: bool) -> dict[str, Any]:
    """Return the view of one look. ``forbidden`` are the texts that must not stand in the registry log."""
    concierge, host = look.concierge, look.concierge_host
    return {
        "concierge": _concierge(host, concierge) if host is not None and concierge is not None else None,
        "settings": _settings(concierge.settings) if concierge is not None else None,
        "presence": concierge.presence.answer if concierge is not None and concierge.presence is not None else None,
        "reads_present": concierge.reads_present if concierge is not None else None,
        "launch": _launch(concierge.launch, contract) if asked and concierge is not None else None,
        "registry": _registry(look.registry, forbidden) if look.registry is not None else None,
        "part_errors": dict(look.part_errors),
    }


def _concierge(host: HostLook, concierge: ConciergeSeen) -> dict[str, Any]:
    life = host.concierge_incarnation
    users, image, container = concierge.users, concierge.image, concierge.container
    real = users is not None and users.host_uid == 0 and users.agent_uid not in (None, 0)
    return {
        "incarnation": {name: getattr(life, name) for name in life.__slots__} if life is not None else {},
        "provenance": {
            "image": {"kind": image.kind, "digest": image.digest} if image is not None else None,
            "image_reference": container.image_reference if container is not None else None,
            "runtime_version": concierge.presence.runtime_version if concierge.presence is not None else None,
            "host_users": "real" if real else "same",
        },
        "declared_plugins": list(concierge.declared_plugins or ()),
    }


def _settings(settings: SettingsSeen | None) -> dict[str, Any] | None:
    if settings is None or settings.state is None:
        return None
    entry = settings.entry
    return {
        "state": settings.state,
        "servers": list(settings.servers),
        "duplicate_keys": list(settings.duplicate_keys),
        "entry_present": entry is not None and entry.present is True,
        "command": entry.command if entry is not None else None,
        "command_resolves": entry.command_resolves if entry is not None else None,
    }


def _registry(registry: RegistrySeen, forbidden: Sequence[str]) -> dict[str, Any]:
    container, log = registry.container, registry.log
    matches = log.matches if log is not None else ()
    life = (container.container_id, container.started_at, container.restart_count) if container is not None else None
    return {
        "container": repr(life),
        "container_id": container.container_id if container is not None else None,
        "readable": log is not None and log.readable is True and log.complete is True,
        "lines": log.lines if log is not None else None,
        "left_out": log.matches_left_out if log is not None else None,
        "controls": [
            {"id": match.control_id, "position": match.position, "time": match.time}
            for match in matches
            if match.workspace == "control" and match.reason == "invalid_kind"
        ],
        "refusals": [_refusal(match) for match in refusals(matches, forbidden)],
    }


def _refusal(match: LogMatch) -> dict[str, Any]:
    return {
        "position": match.position,
        "time": match.time,
        "core": match.core,
        "reason": match.reason or _REASONS.get(match.core),
    }


def _launch(launch: LaunchSeen | None, contract: Contract) -> dict[str, Any]:
    """Return what the launch came to; it was asked for even where it could not begin."""
    call = contract.create_workspace
    if launch is None:
        return {"asked": True, "launched": False, "phase": "start", "trouble": "NotTaken", "tools": None}
    tools = list(launch.tool_names) if launch.tool_names is not None else None
    answer = launch.call
    answered = answer is not None and answer.answered is True and answer.trouble is None
    return {
        "asked": True,
        "launched": launch.launched is True,
        "source": launch.source,
        "phase": launch.phase,
        "trouble": launch.trouble,
        "timed_out": launch.trouble == "ServerSilent",
        "exit_code": launch.exit_code,
        "stderr_signs": list(launch.stderr_signs),
        "server_info": {"name": launch.server_name, "version": launch.server_version},
        "tools": tools,
        "required_listed": tools is not None and call.required_tool in tools,
        "other_names": [name for name in call.tool_names if name != call.required_tool and name in (tools or ())],
        "takes_arguments": launch.tool is not None and launch.tool.takes_arguments is True,
        "call_answered": answered,
        "call_trouble": answer.trouble if answer is not None else "not called",
        "call_error": _call_error(answer) if answered and answer is not None else None,
        "call_status": answer.status if answer is not None else None,
        "workspace_id": answer.workspace_id if answer is not None else None,
    }


def _call_error(answer: CallSeen) -> str | None:
    """Return the error of an answer that came: an HTTP failure is an ordinary result without ``isError``."""
    if answer.is_error is True or answer.has_error is True:
        return answer.error or "isError"
    return None if answer.workspace_id else "no workspace id in the answer"
