"""POST /registry/heartbeat: what it writes, and what the gate then makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()
GOOD = {"mcp_server_present": True, "loaded_mcp_tools": [CONTRACT.required_tool_id]}


def beat(desk: Any, workspace_id: str, **fields: object) -> tuple[int, Any]:
    return desk.call("POST", "/registry/heartbeat", {"workspace_id": workspace_id} | GOOD | fields)  # type: ignore[no-any-return]


def status_of(desk: Any, workspace_id: str) -> str:
    return str(desk.row(workspace_id)["status"])


def test_a_denied_heartbeat_is_still_answered_200(desk: Any, concierge: str) -> None:
    status, answer = beat(desk, concierge, mcp_server_present=False)
    assert (status, answer["status"]) == (200, "ok")
    assert status_of(desk, concierge) == "failed"


def test_provisioning_is_flipped_to_online_before_the_gate_looks(desk: Any, concierge: str) -> None:
    seen: list[str] = []
    log = desk.lines.append

    def spy(line: str) -> None:
        seen.append(status_of(desk, concierge))
        log(line)

    desk.tenant = replace(desk.tenant, log=spy)
    beat(desk, concierge, mcp_server_present=False)
    assert seen[0] == "online"
    assert (
        desk.lines.count(f"Heartbeat: transitioned {concierge} from provisioning to online (heartbeat received)") == 1
    )
    assert status_of(desk, concierge) == "failed"


def test_the_sample_error_is_overwritten_by_each_heartbeat(desk: Any, concierge: str) -> None:
    beat(desk, concierge, sample_error="something else")
    assert desk.row(concierge)["last_sample_error"] == "something else"
    beat(desk, concierge)
    assert desk.row(concierge)["last_sample_error"] == ""


def test_a_later_good_heartbeat_brings_a_failed_row_online(desk: Any, concierge: str) -> None:
    beat(desk, concierge, mcp_server_present=False)
    beat(desk, concierge)
    assert status_of(desk, concierge) == "online"
    late = f"Heartbeat: transitioned {concierge} from failed to online (late heartbeat after provision-timeout)"
    assert late in desk.lines


def test_without_the_tool_the_row_flaps_with_one_line_every_other_heartbeat(desk: Any, concierge: str) -> None:
    beat(desk, concierge)
    seen = []
    for _ in range(4):
        beat(desk, concierge, loaded_mcp_tools=[])
        seen.append(status_of(desk, concierge))
    assert seen == ["degraded", "online", "degraded", "online"]
    assert sum("(core#3082)" in line for line in desk.lines) == 2


def test_a_concierge_that_does_not_report_tools_is_degraded(desk: Any, concierge: str) -> None:
    beat(desk, concierge)
    beat(desk, concierge, loaded_mcp_tools=None)
    assert status_of(desk, concierge) == "degraded"


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"workspace_id": ""},
        {"workspace_id": "x", "mcp_server_present": "yes"},
        {"workspace_id": "x", "loaded_mcp_tools": "a"},
    ],
)
def test_what_is_no_heartbeat_is_a_400_without_a_register_line(desk: Any, document: object) -> None:
    assert desk.call("POST", "/registry/heartbeat", document) == (400, {"error": "invalid request body"})
    assert not any("registry_register_400" in line for line in desk.lines)


def test_a_card_bearing_heartbeat_heals_a_failed_registration(desk: Any, concierge: str) -> None:
    desk.call("POST", "/registry/register", {"id": concierge, "agent_card": {}, "mcp_server_present": True})
    beat(desk, concierge)
    beat(desk, concierge)
    assert status_of(desk, concierge) == "degraded"
    beat(desk, concierge, agent_card={"name": "agent"})
    assert status_of(desk, concierge) == "online"
    assert any(line.startswith(f"Registry heartbeat: backfilled agent_card for {concierge}") for line in desk.lines)
    assert any(line.startswith("Registry heartbeat: cleared register-failure marker") for line in desk.lines)


def test_a_failed_registration_is_forgiven_after_five_minutes(desk: Any, concierge: str) -> None:
    desk.call("POST", "/registry/register", {"id": concierge, "agent_card": {}, "mcp_server_present": True})
    beat(desk, concierge)
    beat(desk, concierge)
    assert status_of(desk, concierge) == "degraded"
    desk.clockwork.now += 301 / 100
    beat(desk, concierge)
    assert status_of(desk, concierge) == "online"


def test_a_token_is_demanded_once_there_is_one(desk: Any, concierge: str) -> None:
    payload = {"id": concierge, "agent_card": {}, "url": "http://localhost:1"}
    _, registered = desk.call("POST", "/registry/register", payload)
    assert beat(desk, concierge) == (401, {"error": "missing workspace auth token"})
    bearer = {"Authorization": f"Bearer {registered['auth_token']}"}
    assert desk.call("POST", "/registry/heartbeat", {"workspace_id": concierge} | GOOD, bearer)[0] == 200


def test_a_wedged_runtime_shows_in_the_row(desk: Any, concierge: str) -> None:
    beat(desk, concierge)
    beat(desk, concierge, runtime_state="wedged")
    _, row = desk.admin("GET", f"/workspaces/{concierge}")
    assert (row["status"], row["wedged"]) == ("degraded", True)


def test_a_denial_revives_a_removed_row_as_failed_since_there_is_no_guard(desk: Any, concierge: str) -> None:
    desk.tenant.database.execute("UPDATE workspaces SET status = 'removed' WHERE id = ?", concierge)
    beat(desk, concierge, mcp_server_present=False)
    assert status_of(desk, concierge) == "failed"


def test_a_heartbeat_of_nobody_is_answered_and_writes_nothing(desk: Any) -> None:
    assert beat(desk, "nobody") == (200, {"status": "ok"})
    assert desk.tenant.workspace("nobody") is None
