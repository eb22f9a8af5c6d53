"""What several hosts say becomes one view, in which nobody's silence is read as absence."""

import json
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.probes.look import Look, parse_look
from e2e.run.look_facts import summarise
from e2e.scenario.model import DEFAULT_FORBIDDEN_STANDING

CALL = {"answered": True, "is_error": False, "has_error": False, "workspace_id": "w-1", "status": "provisioning"}
TOOL = {"name": "create_workspace", "takes_arguments": True}
LAUNCH = {
    "source": "settings", "launched": True, "phase": "done", "tool": TOOL, "call": CALL,
    "tool_names": ["create_workspace", "list_workspaces"], "server": {"name": "molecule-platform", "version": "1"},
}  # fmt: skip


def view(*documents: dict[str, Any], asked: bool = True) -> dict[str, Any]:
    hosts = tuple(
        parse_look(json.dumps({"version": 1, **document}).encode(), f"i-{n}") for n, document in enumerate(documents)
    )
    return summarise(Look(hosts), load_contract(), DEFAULT_FORBIDDEN_STANDING, asked=asked)


def launch_of(**changes: Any) -> dict[str, Any]:
    launch: dict[str, Any] = view({"concierge": {"launch": {**LAUNCH, **changes}}})["launch"]
    return launch


def test_what_nobody_saw_is_none() -> None:
    seen = view({})
    assert {seen[part] for part in ("concierge", "settings", "presence", "launch", "registry")} == {None}


def test_a_concierge_without_settings_and_presence_has_neither() -> None:
    seen = view({"concierge": {"container": {"id": "c", "started_at": "t", "restart_count": 0}}})
    assert seen["settings"] is None
    assert seen["presence"] is None
    assert seen["concierge"]["incarnation"]["container_id"] == "c"
    assert seen["concierge"]["provenance"]["image"] is None


def test_a_launch_that_was_asked_for_and_not_taken_is_told() -> None:
    assert view({"concierge": {"settings": {"state": "ok"}}})["launch"]["trouble"] == "NotTaken"
    assert view({"concierge": {"launch": LAUNCH}}, asked=False)["launch"] is None


def test_the_users_of_host_and_agent_are_told_apart() -> None:
    for users, word in (
        ({"host_uid": 0, "agent_uid": 1000}, "real"),
        ({"host_uid": 0, "agent_uid": 0}, "same"),
        ({"host_uid": 1000, "agent_uid": 1000}, "same"),
        (None, "same"),
    ):
        assert view({"concierge": {"users": users}})["concierge"]["provenance"]["host_users"] == word


def test_settings_without_our_entry_are_settings_without_our_entry() -> None:
    seen = view({"concierge": {"settings": {"state": "ok", "servers": ["other"]}}})["settings"]
    assert (seen["entry_present"], seen["command"], seen["command_resolves"]) == (False, None, None)


def test_settings_whose_state_nobody_knows_were_not_seen() -> None:
    assert view({"concierge": {"settings": {"state": "a new one"}}})["settings"] is None


def test_a_whole_launch_is_told_in_full() -> None:
    launch = launch_of()
    assert launch["required_listed"] is True
    assert launch["takes_arguments"] is True
    assert launch["call_answered"] is True
    assert launch["call_error"] is None
    assert launch["workspace_id"] == "w-1"
    assert launch["server_info"] == {"name": "molecule-platform", "version": "1"}


def test_the_other_name_of_the_tool_is_seen_as_such() -> None:
    launch = launch_of(tool_names=["provision_workspace"], tool=None)
    assert launch["required_listed"] is False
    assert launch["other_names"] == ["provision_workspace"]
    assert launch["takes_arguments"] is False


def test_a_launch_that_gave_no_list_has_none() -> None:
    launch = launch_of(tool_names=None, tool=None, call=None, trouble="ServerSilent", phase="handshake")
    assert launch["tools"] is None
    assert launch["timed_out"] is True
    assert launch["call_trouble"] == "not called"
    assert launch["call_answered"] is False


@pytest.mark.parametrize(
    ("changes", "answered", "error"),
    [
        ({"is_error": True}, True, "isError"),
        ({"has_error": True, "error": "HTTP 422"}, True, "HTTP 422"),
        ({"workspace_id": None}, True, "no workspace id in the answer"),
        ({"answered": False}, False, None),
        ({"trouble": "ServerSilent"}, False, None),
    ],
)
def test_a_call_has_failed_in_many_ways(changes: dict[str, Any], answered: bool, error: str | None) -> None:
    launch = launch_of(call={**CALL, **changes})
    assert (launch["call_answered"], launch["call_error"]) == (answered, error)


def registry(*matches: dict[str, Any], **log: Any) -> dict[str, Any]:
    rows = [{"position": n, "time": f"t{n}", **match} for n, match in enumerate(matches, 1)]
    document = {"readable": True, "complete": True, "lines": len(rows), "matches": rows, **log}
    seen: dict[str, Any] = view({"registry_log": {"container": {"id": "r"}, "log": document}})["registry"]
    return seen


def test_control_refusals_and_refusals_of_the_concierge_are_told_apart() -> None:
    control = {"core": "registry_register_400", "workspace": "control", "control_id": "a", "reason": "invalid_kind"}
    seen = registry(
        control,
        {"core": "registry_register_400", "workspace": "concierge", "reason": "platform_agent_model_missing"},
        {"core": "heartbeat_denied_mcp", "workspace": "concierge"},
        {"core": "registry_register_400", "workspace": "other", "reason": "platform_agent_model_missing"},
        {**control, "reason": "invalid_json"},
    )
    assert [(row["id"], row["position"]) for row in seen["controls"]] == [("a", 1)]
    assert [(row["position"], row["reason"]) for row in seen["refusals"]] == [
        (2, "platform_agent_model_missing"),
        (3, "platform_agent_mcp_server_missing"),
    ]


@pytest.mark.parametrize("log", [{"readable": False}, {"complete": False}, {"readable": None}])
def test_a_log_that_was_not_read_whole_is_not_readable(log: dict[str, Any]) -> None:
    assert registry(**log)["readable"] is False


def test_a_registry_without_a_log_is_not_readable() -> None:
    seen = view({"registry_log": {"container": {"id": "r"}}})["registry"]
    assert seen["readable"] is False
    assert seen["lines"] is None
    assert seen["refusals"] == []


def test_parts_that_could_not_be_seen_are_named_by_host() -> None:
    seen = view({"concierge": {"settings": {"error": "DockerFailed"}}})
    assert seen["part_errors"] == {"i-0:concierge.settings": "DockerFailed"}
