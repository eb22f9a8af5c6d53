"""POST /registry/register: an agent says where it is, once per boot (docs/platform.md, registry).

The order of the checks is the platform's: what is refused early leaves no trace in the database.
"""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, Document, RefusedError
from e2e.twin.workspace_server.addresses import address_error
from e2e.twin.workspace_server.gate import judge_register
from e2e.twin.workspace_server.guards import has_instance_token, mint_token, registry_guard
from e2e.twin.workspace_server.hearing import heard
from e2e.twin.workspace_server.log import go_duration, quoted
from e2e.twin.workspace_server.plugins import reconcile_in_background
from e2e.twin.workspace_server.tenant import Tenant

LIVENESS_SECONDS = 180.0
"""Platform seconds that a sign of life keeps a workspace from being swept to ``offline``."""

_IDENTITY_INCOMPLETE = "platform agent identity incomplete"


@dataclass(frozen=True, slots=True)
class Registration:
    """The payload. ``mcp_server_present`` None means that it was absent or null."""

    workspace_id: str
    agent_card: Document
    url: str
    delivery_mode: str
    kind: str
    mcp_server_present: bool | None

    @property
    def card_url(self) -> str:
        """The address in the agent card, or an empty text."""
        url = self.agent_card.get("url")
        return url if isinstance(url, str) else ""


def register(tenant: Tenant, call: Call) -> Answer:
    """Answer POST /registry/register."""
    started = time.perf_counter()
    registration = _bind(tenant, call)
    if registration is None:
        tenant.log(_refusal_line(None, None, "invalid_json", "the body does not bind to a registration"))
        return Answer(400, {"error": "invalid request body"})
    try:
        return _admit(tenant, call, registration)
    except RefusedError as refusal:
        duration = go_duration(time.perf_counter() - started)
        status = refusal.answer.status
        tenant.log(
            f"Registry register: workspace={registration.workspace_id} boot_register_failed status={status} "
            f"duration={duration}"
        )
        return refusal.answer


def presence_of(payload: Document, field: str) -> bool | None:
    """Return the tri-state presence report of a payload.

    Raises:
        TypeError: the field is neither absent, null nor a boolean.
    """
    value = payload.get(field)
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{field} must be a boolean")
    return value


def _bind(tenant: Tenant, call: Call) -> Registration | None:
    payload = call.json_object()
    if payload is None:
        return None
    if isinstance(payload.get("id"), str):
        payload = heard(tenant, tenant.workspace(payload["id"]), payload)
    texts = {name: payload.get(name) or "" for name in ("id", "url", "delivery_mode", "kind")}
    card = payload.get("agent_card")
    if not isinstance(card, dict) or not texts["id"] or not all(isinstance(text, str) for text in texts.values()):
        return None
    try:
        presence = presence_of(payload, tenant.contract.runtime_present_field)
    except TypeError:
        return None
    return Registration(texts["id"], card, texts["url"], texts["delivery_mode"], texts["kind"], presence)


def _admit(tenant: Tenant, call: Call, registration: Registration) -> Answer:
    workspace_id = registration.workspace_id
    if registration.delivery_mode not in ("", "push", "poll"):
        raise _refused(tenant, registration, None, "invalid_delivery_mode", "delivery_mode must be 'push' or 'poll'")
    if registration.kind not in ("", "workspace", "platform"):
        raise _refused(tenant, registration, None, "invalid_kind", "kind must be 'workspace' or 'platform'")
    row = tenant.workspace(workspace_id)
    registry_guard(tenant, call, workspace_id)
    try:
        return _admit_known_caller(tenant, registration, row)
    except RefusedError:
        tenant.database.execute(
            "UPDATE workspaces SET last_register_failure = ? WHERE id = ?", tenant.monotonic(), workspace_id
        )
        raise


def _admit_known_caller(tenant: Tenant, registration: Registration, row: Row | None) -> Answer:
    workspace_id = registration.workspace_id
    is_platform = row is not None and row["kind"] == "platform"
    if registration.kind == "platform" and not is_platform:
        raise RefusedError(403, "kind='platform' may only be assigned by the platform-agent install path")
    if row is not None and is_platform and row["parent_id"] is not None:
        raise RefusedError(409, "platform agent must be the organisation's root")
    mode = registration.delivery_mode or (row["delivery_mode"] if row is not None else "") or "push"
    if is_platform:
        _pass_gate(tenant, registration, row)
    if registration.card_url:
        rejected = address_error(registration.card_url)
        if rejected is not None:
            raise _refused(
                tenant, registration, row, "agent_card_url_rejected", "workspace agent_card URL not allowed", rejected
            )
    url = registration.url or registration.card_url
    if mode == "push":
        if not url:
            raise _refused(
                tenant, registration, row, "url_required_for_push", "url is required for push-mode workspaces"
            )
        rejected = _unresolved(tenant, row, url) or address_error(url)
        if rejected is not None:
            raise _refused(tenant, registration, row, "url_validate_failed", rejected)
    # Versions that verify let a concierge go online with a heartbeat that shows its tools, not before.
    status = "provisioning" if is_platform and tenant.gate.verifies_online else "online"
    _write_row(tenant, registration, status, url, mode)
    if status == "online":
        if row is None or row["status"] != "online":
            reconcile_in_background(tenant, workspace_id)
        tenant.record_event(workspace_id, "WORKSPACE_ONLINE")
    return _welcome(tenant, workspace_id, mode)


def _unresolved(tenant: Tenant, row: Row | None, url: str) -> str | None:
    """Say that the concierge's name is not known yet, while a fault keeps it unknown."""
    if row is None or row["kind"] != "platform":
        return None
    again = row["agent_card"] is not None and tenant.faults.acts("stale-register-failure", "second registration")
    if not again and not tenant.faults.acts("register-rejected-url", "URL of the concierge"):
        return None
    host = urlsplit(url).hostname
    return f'hostname "{host}" cannot be resolved (DNS error): lookup {host}: no such host'


def _pass_gate(tenant: Tenant, registration: Registration, row: Row | None) -> None:
    verdict = judge_register(
        tenant.gate,
        tenant.contract,
        workspace_id=registration.workspace_id,
        has_model=tenant.has_model(registration.workspace_id),
        presence=registration.mcp_server_present,
    )
    if verdict is None:
        return
    tenant.log(verdict.line)
    tenant.fail(registration.workspace_id, verdict.error, code="PLATFORM_AGENT_IDENTITY_GATE", reason=verdict.reason)
    raise _refused(tenant, registration, row, f"platform_agent_{verdict.reason}", _IDENTITY_INCOMPLETE, verdict.error)


def _write_row(tenant: Tenant, registration: Registration, status: str, url: str, mode: str) -> None:
    now = tenant.monotonic()
    tenant.database.execute(
        """INSERT INTO workspaces (id, name, tier, status, url, delivery_mode, agent_card, created_at, live_until)
           VALUES (?, ?, 4, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET status = excluded.status, url = excluded.url,
               agent_card = excluded.agent_card, delivery_mode = excluded.delivery_mode,
               live_until = excluded.live_until, last_register_failure = NULL,
               provisioning_since = CASE WHEN excluded.status = 'provisioning' THEN provisioning_since END
           WHERE workspaces.status <> 'removed'""",
        registration.workspace_id,
        str(registration.agent_card.get("name") or registration.workspace_id),
        status,
        url,
        mode,
        json.dumps(registration.agent_card),
        timestamp(tenant.clock.now()),
        now + tenant.clock.real(LIVENESS_SECONDS),
    )


def _welcome(tenant: Tenant, workspace_id: str, mode: str) -> Answer:
    answer: dict[str, Any] = {"status": "registered", "delivery_mode": mode}
    if not has_instance_token(tenant, workspace_id):
        answer["auth_token"] = mint_token(tenant, workspace_id, "instance")
    answer["platform_inbound_secret"] = inbound_secret(tenant, workspace_id)
    return Answer(200, answer)


def inbound_secret(tenant: Tenant, workspace_id: str) -> str:
    """Return the secret with which the platform calls into this workspace; made once, then kept."""
    tenant.database.execute(
        "UPDATE workspaces SET inbound_secret = ? WHERE id = ? AND inbound_secret = ''",
        tenant.identities.new_token("mol_in"),
        workspace_id,
    )
    row = tenant.workspace(workspace_id)
    return str(row["inbound_secret"]) if row is not None else ""


def _refused(
    tenant: Tenant, registration: Registration, row: Row | None, reason: str, error: str, detail: str | None = None
) -> RefusedError:
    tenant.log(_refusal_line(registration, row, reason, error if detail is None else detail))
    return RefusedError(400, error)


def _refusal_line(registration: Registration | None, row: Row | None, reason: str, detail: str) -> str:
    new = "(new)"
    return (
        f"registry_register_400 workspace={registration.workspace_id if registration else ''} reason={reason} "
        f"payload_url={_presence(registration.url if registration else '')} "
        f"payload_card_url={_presence(registration.card_url if registration else '')} "
        f"payload_kind={quoted(registration.kind if registration else '')} "
        f"payload_delivery_mode={quoted(registration.delivery_mode if registration else '')} "
        f"existing_url={'present' if row is not None and row['url'] else new} "
        f"existing_kind={quoted(row['kind'] if row is not None else new)} "
        f"existing_delivery_mode={quoted(row['delivery_mode'] if row is not None else new)} "
        f"detail={quoted(detail)}"
    )


def _presence(text: str) -> str:
    return "present" if text else "absent"
