"""The online gate, table by table."""

from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.workspace_server.gate import (
    DEFAULT_GATE,
    POLICIES,
    BringOnline,
    Degrade,
    Effect,
    Fail,
    Heartbeat,
    Standing,
    judge_heartbeat,
    judge_register,
    missing_identity,
)

CONTRACT = load_contract()
TOOL = CONTRACT.required_tool_id
BINARY = CONTRACT.legacy_binary_path


def judged(
    status: str = "online", beat: Heartbeat | None = None, gate: str = DEFAULT_GATE, **known: object
) -> list[Effect]:
    standing = Standing("w1", **({"kind": "platform", "status": status} | known))  # type: ignore[arg-type]
    beat = beat or Heartbeat(mcp_server_present=True, loaded_mcp_tools=(TOOL,))
    return judge_heartbeat(POLICIES[gate], CONTRACT, standing, beat)


@pytest.mark.parametrize(
    ("gate", "has_model", "presence", "missing"),
    [
        ("2026-06-15", True, False, None),
        ("2026-06-15", False, True, "model_missing"),
        ("2026-06-18", True, True, None),
        ("2026-06-18", True, False, "mcp_server_missing"),
        ("2026-06-18", True, None, "mcp_server_missing"),
        ("2026-06-18b", True, None, None),
        ("2026-06-18b", True, False, "mcp_server_missing"),
        ("2026-06-20", True, True, None),
        ("2026-06-20", True, None, None),
        ("2026-06-20", True, False, "mcp_server_missing"),
        ("2026-06-20", False, False, "model_missing"),
        ("2026-06-20", False, True, "model_missing"),
    ],
)
def test_each_version_misses_what_it_looks_at_and_the_model_first(
    gate: str, has_model: bool, presence: bool | None, missing: str | None
) -> None:
    assert missing_identity(POLICIES[gate], has_model=has_model, presence=presence) == missing


def test_a_registration_without_the_server_is_refused_with_the_line_that_names_the_retired_binary() -> None:
    verdict = judge_register(POLICIES[DEFAULT_GATE], CONTRACT, workspace_id="w1", has_model=True, presence=False)
    assert verdict is not None
    assert verdict.line == (
        f"Registry register: platform agent registered without {BINARY}; refusing online (workspace=w1)"
    )


def test_a_registration_without_a_model_is_refused_with_its_own_line() -> None:
    verdict = judge_register(POLICIES[DEFAULT_GATE], CONTRACT, workspace_id="w1", has_model=False, presence=False)
    assert verdict is not None
    assert verdict.line == (
        "Registry register: platform agent registered without a seeded MODEL secret; refusing online (workspace=w1)"
    )


def test_a_complete_registration_passes() -> None:
    assert judge_register(POLICIES[DEFAULT_GATE], CONTRACT, workspace_id="w1", has_model=True, presence=None) is None


@pytest.mark.parametrize("status", ["online", "degraded", "failed", "offline", "provisioning"])
def test_an_explicit_absence_fails_the_row_from_every_status_and_ends_the_judgement(status: str) -> None:
    effects = judged(status, Heartbeat(mcp_server_present=False, error_rate=1.0))
    assert [type(effect) for effect in effects] == [Fail]
    assert effects[0].line == (
        f"Heartbeat: platform agent heartbeat denied: {BINARY} missing; refusing to mark online "
        "(RCA #2970 FAIL-CLOSED) (workspace=w1)"
    )


def test_a_missing_model_denies_the_heartbeat_with_its_own_line() -> None:
    (effect,) = judged(has_model=False)
    assert effect.line == (
        "Heartbeat: platform agent heartbeat denied: no seeded MODEL workspace_secret; refusing to mark online "
        "(RCA #2970 FAIL-CLOSED) (workspace=w1)"
    )


def test_an_ordinary_workspace_is_never_denied() -> None:
    assert judged(beat=Heartbeat(mcp_server_present=False), kind="workspace", has_model=False) == []


def test_tools_that_were_not_reported_are_another_answer_than_an_empty_list() -> None:
    (unreported,) = judged(beat=Heartbeat(mcp_server_present=True))
    (empty,) = judged(beat=Heartbeat(mcp_server_present=True, loaded_mcp_tools=()))
    assert unreported == Degrade(
        "Heartbeat: platform agent runtime did not report loaded_mcp_tools on a mcp_server_present=true heartbeat; "
        "cannot verify create_workspace tool is loaded — marking degraded (core#3082) (workspace=w1)"
    )
    assert empty == Degrade(
        "Heartbeat: platform agent management MCP declared but not loaded; marking degraded (core#3082) (workspace=w1)"
    )


def test_the_tool_is_compared_by_its_whole_id() -> None:
    other_server = Heartbeat(mcp_server_present=True, loaded_mcp_tools=("mcp__platform__create_workspace",))
    plugin_name = Heartbeat(mcp_server_present=True, loaded_mcp_tools=(CONTRACT.plugin_declared_name,))
    assert len(judged(beat=other_server)) == len(judged(beat=plugin_name)) == 1
    assert judged() == []


def test_tools_do_not_matter_where_the_plugin_is_not_declared() -> None:
    beat = Heartbeat(mcp_server_present=True, loaded_mcp_tools=())
    assert judged(beat=beat, management_plugin_declared=False) == []


def test_a_failed_lookup_of_the_declared_plugins_degrades_and_says_why() -> None:
    (effect,) = judged(declared_lookup_error="disk I/O error")
    assert effect.line == (
        "Heartbeat: platform agent declared management MCP lookup failed: disk I/O error; marking degraded "
        "(core#3082) (workspace=w1)"
    )


def test_unreported_presence_skips_the_look_at_the_tools() -> None:
    assert judged(beat=Heartbeat(mcp_server_present=None, loaded_mcp_tools=())) == []


@pytest.mark.parametrize("gate", ["2026-06-15", "2026-06-18", "2026-06-18b"])
def test_versions_before_the_tools_gate_do_not_look_at_tools(gate: str) -> None:
    assert judged(beat=Heartbeat(mcp_server_present=True), gate=gate) == []


def test_without_tools_the_row_flaps_on_alternate_heartbeats() -> None:
    status, seen = "online", []
    for _ in range(4):
        for effect in judged(status, Heartbeat(mcp_server_present=True)):
            status = "degraded" if isinstance(effect, Degrade) else "online"
        seen.append(status)
    assert seen == ["degraded", "online", "degraded", "online"]


@pytest.mark.parametrize(
    ("beat", "known"),
    [
        (Heartbeat(mcp_server_present=True, loaded_mcp_tools=(TOOL,), wedged=True), {}),
        (Heartbeat(mcp_server_present=True, loaded_mcp_tools=(TOOL,), error_rate=0.5), {}),
        (Heartbeat(mcp_server_present=True, loaded_mcp_tools=(TOOL,)), {"register_failed_recently": True}),
    ],
)
def test_trouble_degrades_an_online_row_and_keeps_a_degraded_one(beat: Heartbeat, known: dict[str, Any]) -> None:
    assert judged("online", beat, **known) == [Degrade(None)]
    assert judged("degraded", beat, **known) == []


def test_an_agent_that_manages_its_own_status_is_left_alone_by_the_error_rate() -> None:
    beat = Heartbeat(mcp_server_present=True, loaded_mcp_tools=(TOOL,), error_rate=0.9, manages_own_status=True)
    assert judged("online", beat) == judged("degraded", beat) == []


def test_an_error_rate_between_the_two_limits_changes_nothing() -> None:
    beat = Heartbeat(mcp_server_present=True, loaded_mcp_tools=(TOOL,), error_rate=0.3)
    assert judged("online", beat) == judged("degraded", beat) == []


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("degraded", None),
        ("offline", None),
        ("failed", "Heartbeat: transitioned w1 from failed to online (late heartbeat after provision-timeout)"),
        ("awaiting_agent", "Heartbeat: transitioned w1 from awaiting_agent to online (heartbeat received)"),
        ("provisioning", "Heartbeat: transitioned w1 from provisioning to online (heartbeat received)"),
    ],
)
def test_a_heartbeat_that_passes_brings_the_row_back(status: str, line: str | None) -> None:
    assert judged(status) == [BringOnline(status, line)]


@pytest.mark.parametrize("status", ["removed", "paused", "hibernated", "hibernating"])
def test_a_heartbeat_does_not_wake_what_was_put_away(status: str) -> None:
    assert judged(status) == []
