"""POST /registry/heartbeat: the sign of life that moves a row's status (docs/platform.md, registry).

The answer is 200 even when the gate has just marked the row failed. The columns are written, and ``provisioning`` is
flipped to ``online``, before the gate looks: an observer may see ``online`` for a moment and then ``failed``. Only
versions of the gate that verify leave the flip of a concierge to the gate.
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from e2e.twin.database import Row, timestamp
from e2e.twin.wire import Answer, Call, Document
from e2e.twin.workspace_server.entitlement import honour_self_report
from e2e.twin.workspace_server.gate import (
    MCP_SERVER_MISSING,
    BringOnline,
    Degrade,
    Fail,
    Heartbeat,
    Hold,
    Standing,
    judge_heartbeat,
    lacking_tools,
)
from e2e.twin.workspace_server.guards import registry_guard
from e2e.twin.workspace_server.hearing import heard
from e2e.twin.workspace_server.plugins import declared_plugins, reconcile_after_denial, reconcile_in_background
from e2e.twin.workspace_server.register import LIVENESS_SECONDS, inbound_secret, presence_of
from e2e.twin.workspace_server.tenant import Tenant

REGISTER_FAILURE_SECONDS = 300.0
"""Platform seconds for which a failed registration keeps a row degraded."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A heartbeat as it came in."""

    workspace_id: str
    error_rate: float
    sample_error: str
    active_tasks: int
    uptime_seconds: int
    current_task: str
    monthly_spend: float
    runtime_state: str
    agent_card: Document | None
    report: Heartbeat


def heartbeat(tenant: Tenant, call: Call) -> Answer:
    """Answer POST /registry/heartbeat."""
    try:
        payload = _bind(tenant, call.json_object())
    except (TypeError, ValueError):
        return Answer(400, {"error": "invalid request body"})
    registry_guard(tenant, call, payload.workspace_id)
    with tenant.database.transaction():
        before = tenant.workspace(payload.workspace_id)
        _write_columns(tenant, payload)
    if before is not None:
        _follow_up(tenant, payload, before)
        honour_self_report(tenant, before, payload.report.mcp_server_present)
        _evaluate_status(tenant, payload)
    answer: dict[str, Any] = {"status": "ok"}
    secret = inbound_secret(tenant, payload.workspace_id)
    if secret:
        answer["platform_inbound_secret"] = secret
    return Answer(200, answer)


def _bind(tenant: Tenant, document: Document | None) -> Payload:
    if document is None or not isinstance(document.get("workspace_id"), str) or not document["workspace_id"]:
        raise ValueError("no workspace_id")
    document = heard(tenant, tenant.workspace(document["workspace_id"]), document)
    tools = document.get(tenant.contract.loaded_mcp_tools_field)
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, str) for tool in tools)):
        raise TypeError("the loaded tools must be a list of texts")
    card = document.get("agent_card")
    metadata = document.get("runtime_metadata") or {}
    capabilities = metadata.get("capabilities") or {}
    runtime_state = str(document.get("runtime_state") or "")
    error_rate = float(document.get("error_rate") or 0)
    return Payload(
        workspace_id=document["workspace_id"],
        error_rate=error_rate,
        sample_error=str(document.get("sample_error") or ""),
        active_tasks=int(document.get("active_tasks") or 0),
        uptime_seconds=int(document.get("uptime_seconds") or 0),
        current_task=str(document.get("current_task") or ""),
        monthly_spend=float(document.get("monthly_spend") or 0),
        runtime_state=runtime_state,
        agent_card=card if isinstance(card, dict) else None,
        report=Heartbeat(
            mcp_server_present=presence_of(document, tenant.contract.runtime_present_field),
            loaded_mcp_tools=None if tools is None else tuple(tools),
            error_rate=error_rate,
            wedged=runtime_state == "wedged",
            manages_own_status=bool(capabilities.get("status_mgmt")),
        ),
    )


def _write_columns(tenant: Tenant, payload: Payload) -> None:
    tenant.database.execute(
        """UPDATE workspaces SET last_heartbeat_at = ?, live_until = ?, last_error_rate = ?, last_sample_error = ?,
               active_tasks = ?, uptime_seconds = ?, current_task = ?, monthly_spend = ?, runtime_state = ?,
               loaded_mcp_tools = COALESCE(?, loaded_mcp_tools),
               provisioning_since = CASE WHEN ? AND kind = 'platform' THEN provisioning_since END,
               status = CASE WHEN status = 'provisioning' AND NOT (? AND kind = 'platform') THEN 'online'
                             ELSE status END
           WHERE id = ? AND status <> 'removed'""",
        timestamp(tenant.clock.now()),
        tenant.monotonic() + tenant.clock.real(LIVENESS_SECONDS),
        payload.error_rate,
        payload.sample_error,
        payload.active_tasks,
        payload.uptime_seconds,
        payload.current_task,
        payload.monthly_spend,
        payload.runtime_state,
        _persisted_tools(tenant, payload.report),
        tenant.gate.verifies_online,
        tenant.gate.verifies_online,
        payload.workspace_id,
    )


def _persisted_tools(tenant: Tenant, report: Heartbeat) -> str | None:
    if not tenant.gate.keeps_tools or report.loaded_mcp_tools is None:
        return None
    return json.dumps(report.loaded_mcp_tools)


def _follow_up(tenant: Tenant, payload: Payload, before: Row) -> None:
    workspace_id = payload.workspace_id
    held_back = tenant.gate.verifies_online and before["kind"] == "platform"
    if before["status"] == "provisioning" and not held_back:
        tenant.log(f"Heartbeat: transitioned {workspace_id} from provisioning to online (heartbeat received)")
        reconcile_in_background(tenant, workspace_id)
    if payload.agent_card is None:
        return
    if before["agent_card"] is None:
        tenant.database.execute(
            "UPDATE workspaces SET agent_card = ? WHERE id = ?", json.dumps(payload.agent_card), workspace_id
        )
        tenant.log(f"Registry heartbeat: backfilled agent_card for {workspace_id} (initial register had failed)")
    if before["last_register_failure"] is not None and not tenant.faults.acts(
        "stale-register-failure", "card-bearing heartbeat"
    ):
        tenant.database.execute("UPDATE workspaces SET last_register_failure = NULL WHERE id = ?", workspace_id)
        tenant.log(
            f"Registry heartbeat: cleared register-failure marker for {workspace_id} "
            "(live card-bearing heartbeat after a transient register-400)"
        )


def _evaluate_status(tenant: Tenant, payload: Payload) -> None:
    row = tenant.workspace(payload.workspace_id)
    if row is None:
        return
    standing = _standing(tenant, row, payload.report)
    for effect in judge_heartbeat(tenant.gate, tenant.contract, standing, payload.report):
        if effect.line is not None:
            tenant.log(effect.line)
        match effect:
            case Fail(reason=reason, error=error):
                tenant.fail(payload.workspace_id, error, code="PLATFORM_AGENT_IDENTITY_GATE", reason=reason)
                if reason == MCP_SERVER_MISSING and _delivers_after_denial(tenant):
                    reconcile_after_denial(tenant, payload.workspace_id)
            case Hold():
                pass
            case Degrade():
                tenant.database.execute(
                    "UPDATE workspaces SET status = 'degraded' WHERE id = ? AND status = 'online'", row["id"]
                )
            case BringOnline(origin=origin):
                changed = tenant.database.execute(
                    "UPDATE workspaces SET status = 'online', provisioning_since = NULL WHERE id = ? AND status = ?",
                    row["id"],
                    origin,
                )
                if changed:
                    reconcile_in_background(tenant, payload.workspace_id)


def _delivers_after_denial(tenant: Tenant) -> bool:
    return tenant.gate.reconciles_on_denial or tenant.faults.acts("denial-before-delivery", "denied heartbeat")


def _standing(tenant: Tenant, row: Row, report: Heartbeat) -> Standing:
    declared, lookup_error = True, None
    if row["kind"] == "platform":
        try:
            declared = tenant.contract.plugin_declared_name in declared_plugins(tenant, row["id"])
        except sqlite3.Error as error:
            lookup_error = str(error)
    standing = Standing(
        workspace_id=row["id"],
        kind=row["kind"],
        status=row["status"],
        has_model=tenant.has_model(row["id"]),
        management_plugin_declared=declared,
        declared_lookup_error=lookup_error,
        register_failed_recently=_register_failed_recently(tenant, row),
    )
    if tenant.gate.tools_grace_seconds is None:
        return standing
    lacks = lacking_tools(tenant.gate, tenant.contract, standing, report) is not None
    return replace(standing, tools_missing_for=_tools_missing_for(tenant, row, lacks=lacks))


def _tools_missing_for(tenant: Tenant, row: Row, *, lacks: bool) -> float:
    """Keep in mind since when the tools are missing, and return for how many platform seconds they have been."""
    now = tenant.monotonic()
    since = (row["mcp_unloaded_since"] or now) if lacks else None
    tenant.database.execute("UPDATE workspaces SET mcp_unloaded_since = ? WHERE id = ?", since, row["id"])
    return 0.0 if since is None else tenant.clock.platform(now - since)


def _register_failed_recently(tenant: Tenant, row: Row) -> bool:
    failed_at = row["last_register_failure"]
    if failed_at is None:
        return False
    within = tenant.monotonic() - failed_at < tenant.clock.wall(REGISTER_FAILURE_SECONDS)
    return within or tenant.faults.acts("stale-register-failure", "age of a refused registration")
