"""The rules that read a cause out of findings. The most specific stands first; each names what it explains."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from e2e.verdict.findings import Findings
from e2e.verdict.proofs import STAGES

Evidence = tuple[str, ...]

_GATED = frozenset(
    {"online", "presence_reported", "registered", "settings_wired", "tool_listed", "workspace_created", "agent_acted"}
)
_CREATION = frozenset({"workspace_created", "agent_acted"})
_BILLING = ("insufficient_quota", "exceeded your current quota", "billing or credits exhausted")
"""What the model service's lack of credit looks like in an agent's words (docs/platform.md, A2A)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the cause, the stages whose failure it explains, and the match, which returns its evidence."""

    cause: str
    explains: frozenset[str]
    match: Callable[[Findings], Evidence | None]


def _gate_refuses(findings: Findings, kind: str) -> bool:
    """Whether standing refusals name this half of the identity gate: ``mcp`` or ``model``."""
    reason = {"mcp": "mcp_server_missing", "model": "model_missing"}[kind]
    return any(reason in (refusal.reason or "") for refusal in findings.standing)


def _runtime_ignores_plugin(findings: Findings) -> Evidence | None:
    look = findings.last_look
    if look is None or not _gate_refuses(findings, "mcp"):
        return None
    if look.wired is True and look.launchable is True and look.presence == "false":
        return (f"{look.evidence}#settings", f"{look.evidence}#presence", *findings.pointers("standing"))
    return None


def _not_delivered(findings: Findings) -> Evidence | None:
    look = findings.last_look
    if look is None or look.presence == "true" or not _gate_refuses(findings, "mcp"):
        return None
    if look.wired is False and look.settings is not None and look.settings.get("state") in ("absent", "ok"):
        return (f"{look.evidence}#settings", *findings.pointers("standing"))
    return None


def _model_missing(findings: Findings) -> Evidence | None:
    return findings.pointers("standing") if _gate_refuses(findings, "model") else None


def _settings_malformed(findings: Findings) -> Evidence | None:
    look = findings.last_look
    if look is None or look.settings is None:
        return None
    bad = ("empty", "unreadable", "not_a_file", "too_large", "bad_encoding", "malformed", "not_an_object")
    return (f"{look.evidence}#settings",) if look.settings.get("state") in bad else None


def _entry_not_launchable(findings: Findings) -> Evidence | None:
    look = findings.last_look
    if look is None or look.wired is not True or look.launchable is not False:
        return None
    return (f"{look.evidence}#settings",)


def _launched(findings: Findings) -> tuple[Mapping[str, Any], Evidence] | None:
    """Return the facts of the newest launch with its evidence; None if none was asked for or taken."""
    look = findings.launch_look
    if look is None or look.launch is None or not look.launch.get("asked") or look.launch.get("trouble") == "NotTaken":
        return None
    return look.launch, (f"{look.evidence}#launch",)


def _launch_failed(findings: Findings) -> Evidence | None:
    seen, look = _launched(findings), findings.launch_look
    if seen is None or look is None:
        return None
    launch, evidence = seen
    if launch.get("tools") is not None or launch.get("timed_out") is True:
        return None
    if launch.get("trouble") == "NothingToStart" and look.settings is None:
        return None  # what was not read is not absent
    return evidence


def _handshake_timeout(findings: Findings) -> Evidence | None:
    seen = _launched(findings)
    return seen[1] if seen is not None and seen[0].get("tools") is None and seen[0].get("timed_out") is True else None


def _tool_name_drift(findings: Findings) -> Evidence | None:
    seen = _launched(findings)
    if seen is None or not seen[0].get("other_names") or seen[0].get("required_listed"):
        return None
    return seen[1]


def _call_error(error: str) -> Callable[[Findings], Evidence | None]:
    def match(findings: Findings) -> Evidence | None:
        seen = _launched(findings)
        return seen[1] if seen is not None and seen[0].get("call_error") == error else None

    return match


def _no_row(findings: Findings) -> Evidence | None:
    seen = _launched(findings)
    if seen is None or "probe" not in findings.absent_rows:
        return None
    if seen[0].get("call_answered") is True and seen[0].get("call_error") is None:
        return (*seen[1], *findings.pointers("row_absent"))
    return None


def _said(findings: Findings, *kinds: str) -> str | None:
    """Return in lower case what the agent said in a turn of these kinds that made no row; None if there was none."""
    if findings.turn is None or "agent" not in findings.absent_rows or findings.turn.get("kind") not in kinds:
        return None
    return str(findings.turn.get("text", "")).lower()


def _model_billing(findings: Findings) -> Evidence | None:
    text = _said(findings, "reply", "failed")
    return findings.pointers("turn") if text and any(mark in text for mark in _BILLING) else None


def _agent_denies_tool(findings: Findings) -> Evidence | None:
    text = _said(findings, "reply", "failed")
    return findings.pointers("turn") if text and "i don't have a" in text and "tool" in text else None


def _agent_claims(findings: Findings) -> Evidence | None:
    text = _said(findings, "reply")
    if not text or findings.turn is None or findings.turn.get("error_as_text") is True:
        return None
    return findings.pointers("turn") if "created" in text else None


def _agent_error(findings: Findings) -> Evidence | None:
    return findings.pointers("turn") if _said(findings, "reply", "failed") is not None else None


def _organisation_failed_with(*words: str) -> Callable[[Findings], Evidence | None]:
    """Match an organisation that failed for good with one of these words in the platform's ``last_error``."""

    def match(findings: Findings) -> Evidence | None:
        end = findings.stages.get("provisioned")
        if end is None or end.cause != "provisioning-failed":
            return None
        return (end.reference,) if any(word in end.saying for word in words) else None

    return match


def _expired(stage: str) -> Callable[[Findings], Evidence | None]:
    """Match a stage whose time ran out although it could be looked at; one that could not be names its own cause."""

    def match(findings: Findings) -> Evidence | None:
        end = findings.stages.get(stage)
        return (end.reference,) if end is not None and end.state == "expired" and end.cause is None else None

    return match


def _org_vanished(findings: Findings) -> Evidence | None:
    return findings.pointers("organisation_gone") or None


def _platform_moved(findings: Findings) -> Evidence | None:
    """Match a redeploy under the run, unless the concierge was lost for a reason that has a name of its own."""
    online = findings.stages.get("online")
    residual = online is None or online.cause in (None, "online-flaps", "heartbeat-stopped")
    return findings.pointers("platform_moved") or None if residual else None


RULES: tuple[Rule, ...] = (
    Rule("runtime-ignores-plugin-mcp", _GATED, _runtime_ignores_plugin),
    Rule("settings-malformed", _GATED, _settings_malformed),
    Rule("mcp-not-delivered", _GATED, _not_delivered),
    Rule("model-secret-missing", _GATED, _model_missing),
    Rule("settings-entry-not-launchable", _GATED, _entry_not_launchable),
    Rule("create-workspace-no-row", _CREATION, _no_row),
    Rule("mcp-auth-error", _CREATION, _call_error("AUTH_ERROR")),
    Rule("create-workspace-rejected", _CREATION, _call_error("HTTP 422")),
    Rule("tool-name-drift", frozenset({"tool_listed", "workspace_created"}), _tool_name_drift),
    Rule("mcp-handshake-timeout", frozenset({"tool_listed"}), _handshake_timeout),
    Rule("mcp-launch-failed", frozenset({"tool_listed"}), _launch_failed),
    Rule("llm-billing", frozenset({"agent_acted"}), _model_billing),
    Rule("agent-denies-tool", frozenset({"agent_acted"}), _agent_denies_tool),
    Rule("agent-claims-without-acting", frozenset({"agent_acted"}), _agent_claims),
    Rule("agent-error-reply", frozenset({"agent_acted"}), _agent_error),
    Rule("capacity-exhausted", frozenset({"provisioned"}), _organisation_failed_with("InsufficientInstanceCapacity")),
    Rule("record-quota", frozenset({"provisioned"}), _organisation_failed_with("81045", "Record quota exceeded")),
    Rule("org-vanished", frozenset(STAGES) - {"provisioned", "torn_down"}, _org_vanished),
    Rule("platform-moved", frozenset({"online", "registered"}), _platform_moved),
    Rule("provisioning-timeout", frozenset({"provisioned"}), _expired("provisioned")),
    Rule("tenant-half-wired", frozenset({"tenant_ready"}), _expired("tenant_ready")),
    Rule("no-concierge", frozenset({"concierge_found"}), _expired("concierge_found")),
)
"""In order of precedence: a log line that names a reason beats a status, an earlier step beats a later one."""
