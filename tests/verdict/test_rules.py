"""Each rule matches its evidence, and stops matching when any piece of it is missing or what excludes it is there.

A new rule needs a case here: findings that it matches, the same ``without`` each piece that it requires, and the same
``despite`` each piece that excludes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from e2e.verdict.causes import is_cause
from e2e.verdict.diagnosis import diagnose
from e2e.verdict.findings import Findings, LookSeen, Refusal, StageEnd
from e2e.verdict.proofs import STAGES
from e2e.verdict.rules import RULES, Rule

OK_SETTINGS = {"state": "ok", "entry_present": True, "command": "molecule-mcp", "command_resolves": True}
LAUNCH: dict[str, Any] = {
    "asked": True,
    "launched": True,
    "trouble": None,
    "timed_out": False,
    "tools": ["create_workspace"],
    "required_listed": True,
    "other_names": [],
    "call_answered": True,
    "call_error": None,
}
NO_TOOLS: dict[str, Any] = {"tools": None, "required_listed": False, "call_answered": False, "trouble": "ServerEnded"}
REFERENCES = {kind: (f"events.jsonl#seq={seq}",) for seq, kind in enumerate(("standing", "row_absent", "turn"), 50)}


def refused(reason: str | None) -> tuple[Refusal, ...]:
    return (Refusal(8, None, "heartbeat_denied_mcp", reason),)


def seen(**parts: Any) -> LookSeen:
    fine: dict[str, Any] = {
        "settings": OK_SETTINGS,
        "presence": "true",
        "reads_present": True,
        "registry": None,
        "launch": None,
    }
    return LookSeen(number=2, trigger="hold over", evidence="evidence/look-2.json", concierge={}, **(fine | parts))


def found(*looks: LookSeen, **parts: Any) -> Findings:
    return replace(Findings(looks=looks, references=REFERENCES), **parts)


def settled(**changes: Any) -> LookSeen:
    return seen(settings=OK_SETTINGS | changes)


def launched(**changes: Any) -> LookSeen:
    return seen(launch=LAUNCH | changes)


def turned(text: str, kind: str = "reply", *, absent: tuple[str, ...] = ("agent",), **more: Any) -> Findings:
    return found(turn={"kind": kind, "text": text, **more}, absent_rows=absent)


def ended(stage: str, state: str = "expired", cause: str | None = None) -> Findings:
    end = StageEnd(stage, state, "last words", cause, "events.jsonl#seq=7", {"evidence": []})
    return found(stages={stage: end})


def org_failed(last_error: str, cause: str | None = "provisioning-failed") -> Findings:
    saying = f"the org failed and stayed so: {last_error}"
    end = StageEnd("provisioned", "refuted", saying, cause, "events.jsonl#seq=7", {"evidence": []})
    return found(stages={"provisioned": end})


@dataclass(frozen=True)
class Case:
    """Findings that a rule matches, and variants of them that it must not match."""

    findings: Findings
    without: Mapping[str, Findings]
    despite: Mapping[str, Findings] = field(default_factory=dict)


MCP = {"standing": refused("platform_agent_mcp_server_missing")}
MODEL = {"standing": refused("platform_agent_model_missing")}
GATE: dict[str, dict[str, Any]] = {
    "no standing refusal": {"standing": ()},
    "the refusal names no reason": {"standing": refused(None)},
    "the refusal names the other half of the gate": MODEL,
}
IGNORED = seen(presence="false")
NOT_WIRED = settled(entry_present=False, command=None, command_resolves=None)
DRIFTED = launched(tools=["provision_workspace"], other_names=["provision_workspace"], required_listed=False)
NO_CREDIT = "Agent error: Billing or credits exhausted: HTTP 402"
NO_CAPACITY = "RunInstances: InsufficientInstanceCapacity: We currently do not have sufficient t3.medium capacity"
FULL_ZONE = "cloudflare: create DNS record: error 81045: Record quota exceeded."
DENIES = "I don't have a `create_workspace` tool."
CLAIMS = "I created the workspace for you."

MOVED = {"platform_moved": ("events.jsonl#seq=9",)}

CASES: dict[str, Case] = {
    "runtime-ignores-plugin-mcp": Case(
        found(IGNORED, **MCP),
        {
            "no look": found(**MCP),
            "the look saw no settings": found(seen(presence="false", settings=None), **MCP),
            "presence was not seen": found(seen(presence=None), **MCP),
            "presence is absent": found(seen(presence="absent"), **MCP),
            "presence is unreadable": found(seen(presence="unreadable"), **MCP),
            "whether the command is there was not seen": found(
                seen(presence="false", settings=OK_SETTINGS | {"command_resolves": None}), **MCP
            ),
            **{name: found(IGNORED, **change) for name, change in GATE.items()},
        },
        {
            "presence is true": found(seen(), **MCP),
            "not wired": found(replace(NOT_WIRED, presence="false"), **MCP),
            "the command is not there": found(replace(settled(command_resolves=False), presence="false"), **MCP),
        },
    ),
    "settings-malformed": Case(
        found(settled(state="malformed", entry_present=False)),
        {"no look": found(), "the look saw no settings": found(seen(settings=None))},
        {"the settings are in order": found(seen()), "the file is absent": found(settled(state="absent"))},
    ),
    "mcp-not-delivered": Case(
        found(replace(NOT_WIRED, presence="false"), **MCP),
        {
            "no look": found(**MCP),
            "the look saw no settings": found(seen(settings=None, presence="false"), **MCP),
            **{name: found(replace(NOT_WIRED, presence="false"), **change) for name, change in GATE.items()},
        },
        {
            "the server is wired": found(seen(presence="false"), **MCP),
            "the file is malformed": found(
                seen(presence="false", settings={"state": "malformed", "entry_present": False}), **MCP
            ),
            "the runtime says that it is present": found(NOT_WIRED, **MCP),
        },
    ),
    "model-secret-missing": Case(
        found(**MODEL),
        {
            "no standing refusal": found(),
            "the refusal names no reason": found(standing=refused(None)),
            "the refusal names the other half of the gate": found(**MCP),
        },
    ),
    "settings-entry-not-launchable": Case(
        found(settled(command_resolves=False)),
        {
            "no look": found(),
            "the look saw no settings": found(seen(settings=None)),
            "whether the command is there was not seen": found(settled(command_resolves=None)),
        },
        {"the command is there": found(seen()), "nothing is wired": found(NOT_WIRED)},
    ),
    "capacity-exhausted": Case(
        org_failed(NO_CAPACITY),
        {"another reason": org_failed(FULL_ZONE), "it healed": org_failed(NO_CAPACITY, None)},
    ),
    "record-quota": Case(
        org_failed(FULL_ZONE),
        {"another reason": org_failed("RUNTIME_PIN_MISSING"), "it healed": org_failed(FULL_ZONE, None)},
    ),
    "create-workspace-no-row": Case(
        found(launched(), absent_rows=("probe",)),
        {
            "no launch": found(seen(), absent_rows=("probe",)),
            "the launch was not taken": found(launched(trouble="NotTaken"), absent_rows=("probe",)),
            "the row was never found absent": found(launched()),
            "only the agent's row is absent": found(launched(), absent_rows=("agent",)),
            "the call was not answered": found(launched(call_answered=False), absent_rows=("probe",)),
        },
        {"the call was answered with an error": found(launched(call_error="HTTP 500"), absent_rows=("probe",))},
    ),
    "mcp-auth-error": Case(
        found(launched(call_error="AUTH_ERROR")),
        {"no launch": found(seen()), "the call had no error": found(launched())},
        {"the call had another error": found(launched(call_error="HTTP 422"))},
    ),
    "create-workspace-rejected": Case(
        found(launched(call_error="HTTP 422")),
        {"no launch": found(seen()), "the call had no error": found(launched())},
        {"the call had another error": found(launched(call_error="HTTP 500"))},
    ),
    "tool-name-drift": Case(
        found(DRIFTED),
        {
            "no launch": found(seen()),
            "no list": found(launched(**NO_TOOLS)),
            "no other name is listed": found(launched(tools=["list_workspaces"], required_listed=False)),
        },
        {"the required name is listed as well": found(launched(other_names=["provision_workspace"]))},
    ),
    "mcp-handshake-timeout": Case(
        found(launched(**NO_TOOLS, timed_out=True)),
        {"no launch": found(seen()), "it did not run out of time": found(launched(**NO_TOOLS))},
        {"it gave its list": found(launched(timed_out=True))},
    ),
    "mcp-launch-failed": Case(
        found(launched(**NO_TOOLS)),
        {
            "no look": found(),
            "no launch": found(seen()),
            "none was asked for": found(launched(**NO_TOOLS, asked=False)),
            "the launch was not taken": found(launched(**NO_TOOLS | {"trouble": "NotTaken"})),
            "nothing to start in settings that were not seen": found(
                seen(settings=None, launch=LAUNCH | NO_TOOLS | {"trouble": "NothingToStart"})
            ),
        },
        {"it gave its list": found(launched()), "it ran out of time": found(launched(**NO_TOOLS, timed_out=True))},
    ),
    "org-vanished": Case(
        found(references={"organisation_gone": ("events.jsonl#seq=9",)}),
        {"nothing was written of it": found(), "something else was written": found(references={"hosts": ("x",)})},
    ),
    "platform-moved": Case(
        found(references=MOVED),
        {
            "nothing was written of it": found(),
            "the concierge was lost for a reason of its own": found(
                references=MOVED, stages={"online": StageEnd("online", "refuted", "x", "concierge-removed", "y", {})}
            ),
            "something else was written": found(references={"hosts": ("x",)}),
        },
    ),
    "llm-billing": Case(
        turned(NO_CREDIT),
        {
            "no turn": found(absent_rows=("agent",)),
            "the row was never found absent": turned(NO_CREDIT, absent=()),
            "nothing was said": turned(""),
            "it says something else": turned("Agent error: boom"),
        },
        {"the turn goes on without us": turned(NO_CREDIT, "queued")},
    ),
    "agent-denies-tool": Case(
        turned(DENIES),
        {
            "no turn": found(absent_rows=("agent",)),
            "the row was never found absent": turned(DENIES, absent=()),
            "only the probe's row is absent": turned(DENIES, absent=("probe",)),
            "nothing was said": turned(""),
            "it denies something else": turned("I don't have a clue."),
            "it does not deny the tool": turned("The tool is here."),
        },
        {"the answer was lost": turned(DENIES, "lost")},
    ),
    "agent-claims-without-acting": Case(
        turned(CLAIMS),
        {
            "no turn": found(absent_rows=("agent",)),
            "the row was never found absent": turned(CLAIMS, absent=()),
            "nothing was said": turned(""),
            "it claims nothing": turned("Hello."),
        },
        {
            "the turn failed": turned(CLAIMS, "failed"),
            "the words are an error": turned("Agent error: none was created", error_as_text=True),
        },
    ),
    "agent-error-reply": Case(
        turned("Agent error: boom"),
        {
            "no turn": found(absent_rows=("agent",)),
            "the row was never found absent": turned("Agent error: boom", absent=()),
        },
        {"the answer was lost": turned("", "lost"), "the turn goes on without us": turned("", "queued")},
    ),
    **{
        cause: Case(
            ended(stage),
            {"the stage is not in the log": found(), "another stage expired": ended("online")},
            {
                "it was given up, not expired": ended(stage, "refuted"),
                "it could not be looked at": ended(stage, cause="control-plane-unavailable"),
            },
        )
        for cause, stage in (
            ("provisioning-timeout", "provisioned"),
            ("tenant-half-wired", "tenant_ready"),
            ("no-concierge", "concierge_found"),
        )
    },
}
"""One case for each rule."""

LOOSENED = [
    pytest.param(cause, findings, id=f"{cause}: {how} {name}")
    for cause, case in CASES.items()
    for how, variants in (("without,", case.without), ("despite,", case.despite))
    for name, findings in variants.items()
]


def rule_for(cause: str) -> Rule:
    (rule,) = (rule for rule in RULES if rule.cause == cause)
    return rule


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert [rule.cause for rule in RULES] == list(dict.fromkeys(rule.cause for rule in RULES))
    assert {rule.cause for rule in RULES} == set(CASES)
    assert all(case.without for case in CASES.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.cause)
def test_a_rule_names_a_cause_and_explains_stages_that_there_are(rule: Rule) -> None:
    assert is_cause(rule.cause)
    assert rule.explains
    assert rule.explains <= set(STAGES) - {"torn_down"}


@pytest.mark.parametrize("cause", CASES)
def test_a_rule_matches_its_evidence_and_points_at_it(cause: str) -> None:
    evidence = rule_for(cause).match(CASES[cause].findings)
    assert evidence
    assert all(reference.startswith(("events.jsonl#seq=", "evidence/look-2.json#")) for reference in evidence)


@pytest.mark.parametrize(("cause", "findings"), LOOSENED)
def test_a_rule_does_not_match(cause: str, findings: Findings) -> None:
    assert rule_for(cause).match(findings) is None


@pytest.mark.parametrize(
    ("cause", "stage"), [(rule.cause, stage) for rule in RULES for stage in STAGES if stage != "torn_down"]
)
def test_a_rule_explains_its_own_stages_and_no_other(cause: str, stage: str) -> None:
    findings = CASES[cause].findings
    state = "expired" if cause in ("provisioning-timeout", "tenant-half-wired", "no-concierge") else "refuted"
    usual = StageEnd(stage, state, "last words", None, "events.jsonl#seq=9", {"evidence": ["x"]})
    findings = replace(findings, stages={stage: findings.stages.get(stage, usual)})
    (failure,) = diagnose(findings, [stage], (), require_live=False).failures
    assert (failure.cause == cause) is (stage in rule_for(cause).explains)


@pytest.mark.parametrize(
    "state", ["empty", "unreadable", "not_a_file", "too_large", "bad_encoding", "malformed", "not_an_object"]
)
def test_every_kind_of_broken_settings_is_malformed_and_never_missing(state: str) -> None:
    findings = found(seen(presence="false", settings={"state": state, "entry_present": False}), **MCP)
    assert rule_for("settings-malformed").match(findings)
    assert rule_for("mcp-not-delivered").match(findings) is None


@pytest.mark.parametrize("text", ["insufficient_quota", "You exceeded your current quota", NO_CREDIT])
def test_every_way_to_say_that_credit_is_gone_is_heard(text: str) -> None:
    assert rule_for("llm-billing").match(turned(text))


@pytest.mark.parametrize(
    ("trouble", "settings"), [("NothingToStart", {"state": "absent"}), ("ServerEnded", None), ("RpcError", OK_SETTINGS)]
)
def test_a_server_that_gave_no_list_did_not_start_whatever_the_trouble(trouble: str, settings: Any) -> None:
    findings = found(seen(settings=settings, launch=LAUNCH | NO_TOOLS | {"trouble": trouble}))
    assert rule_for("mcp-launch-failed").match(findings)


PRECEDENCE = [
    ("settings-malformed", "mcp-not-delivered"),
    ("runtime-ignores-plugin-mcp", "create-workspace-no-row"),
    ("mcp-not-delivered", "mcp-launch-failed"),
    ("model-secret-missing", "create-workspace-no-row"),
    ("settings-entry-not-launchable", "mcp-launch-failed"),
    ("create-workspace-no-row", "agent-claims-without-acting"),
    ("mcp-auth-error", "agent-error-reply"),
    ("create-workspace-rejected", "agent-error-reply"),
    ("llm-billing", "agent-error-reply"),
    ("agent-denies-tool", "agent-error-reply"),
    ("agent-claims-without-acting", "agent-error-reply"),
]
"""Pairs of which the first is the more specific, or the earlier step."""


def merged(one: Findings, other: Findings) -> Findings:
    """Return findings that hold what both hold."""
    looks = one.looks or other.looks
    if one.looks and other.looks:
        (first,), (second,) = one.looks, other.looks
        looks = (replace(first, launch=first.launch or second.launch),)
    return replace(
        one,
        looks=looks,
        standing=one.standing or other.standing,
        turn=one.turn or other.turn,
        absent_rows=tuple(dict.fromkeys(one.absent_rows + other.absent_rows)),
    )


@pytest.mark.parametrize(("winner", "other"), PRECEDENCE)
def test_the_more_specific_rule_wins(winner: str, other: str) -> None:
    findings = merged(CASES[winner].findings, CASES[other].findings)
    (stage, *_) = sorted(rule_for(winner).explains & rule_for(other).explains)
    matching = [rule.cause for rule in RULES if stage in rule.explains and rule.match(findings) is not None]
    assert winner in matching
    end = StageEnd(stage, "refuted", "last words", None, "events.jsonl#seq=9", {})
    (failure,) = diagnose(replace(findings, stages={stage: end}), [stage], (), require_live=False).failures
    assert failure.cause == winner
    assert [rule.cause for rule in RULES].index(winner) < [rule.cause for rule in RULES].index(other)
