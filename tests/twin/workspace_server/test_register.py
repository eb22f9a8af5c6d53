"""POST /registry/register: order, refusals, log lines."""

import uuid
from typing import Any

import pytest

from e2e.contract import load_contract

CARD = {"name": "agent"}
URL = "http://localhost:8000"
REFUSED = "platform agent identity incomplete"


def register(desk: Any, workspace_id: str, token: str | None = None, **fields: object) -> tuple[int, Any]:
    payload = {"id": workspace_id, "agent_card": CARD, "url": URL, "mcp_server_present": True} | fields
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return desk.call("POST", "/registry/register", payload, headers)  # type: ignore[no-any-return]


def test_a_complete_concierge_comes_online_and_gets_its_token_once(desk: Any, concierge: str) -> None:
    status, answer = register(desk, concierge)
    assert (status, answer["status"], answer["delivery_mode"]) == (200, "registered", "push")
    assert answer["platform_inbound_secret"]
    again, repeated = register(desk, concierge, token=answer["auth_token"])
    assert again == 200
    assert "auth_token" not in repeated
    assert repeated["platform_inbound_secret"] == answer["platform_inbound_secret"]
    assert (desk.row(concierge)["status"], desk.row(concierge)["url"]) == ("online", URL)


def test_once_there_is_an_instance_token_the_bearer_is_required(desk: Any, concierge: str) -> None:
    register(desk, concierge)
    assert register(desk, concierge) == (401, {"error": "missing workspace auth token"})
    assert register(desk, concierge, token="wrong") == (401, {"error": "invalid workspace auth token"})
    assert "boot_register_failed status=401 duration=" in desk.lines[-1]


def test_a_denied_concierge_gets_the_400_the_failed_row_and_both_lines(desk: Any, concierge: str) -> None:
    contract = load_contract()
    assert register(desk, concierge, mcp_server_present=False) == (400, {"error": REFUSED})
    row = desk.row(concierge)
    reason = f"platform agent registered without {contract.legacy_binary_path}; refusing online"
    assert (row["status"], row["last_sample_error"]) == ("failed", reason)
    assert f"Registry register: {reason} (workspace={concierge})" in desk.lines
    assert (
        f"registry_register_400 workspace={concierge} reason=platform_agent_mcp_server_missing payload_url=present "
        'payload_card_url=absent payload_kind="" payload_delivery_mode="" existing_url=(new) '
        f'existing_kind="platform" existing_delivery_mode="" detail="{reason}"'
    ) in desk.lines
    assert desk.lines[-1].startswith(f"Registry register: workspace={concierge} boot_register_failed status=400 ")


def test_presence_that_was_not_reported_passes(desk: Any, concierge: str) -> None:
    assert register(desk, concierge, mcp_server_present=None)[0] == 200


def test_a_concierge_without_a_model_is_denied_for_that(desk: Any, concierge: str) -> None:
    desk.tenant.database.execute("DELETE FROM workspace_secrets")
    assert register(desk, concierge) == (400, {"error": REFUSED})
    assert any("reason=platform_agent_model_missing" in line for line in desk.lines)


def test_a_version_that_verifies_registers_a_concierge_without_letting_it_online(make_desk: Any) -> None:
    desk = make_desk(gate="2026-06-26")
    concierge, worker = desk.install_concierge(), desk.order()
    assert desk.register(concierge)[0] == desk.register(worker)[0] == 200
    assert (desk.row(concierge)["status"], desk.row(worker)["status"]) == ("provisioning", "online")
    assert desk.row(concierge)["provisioning_since"] is not None
    kinds = desk.tenant.database.rows("SELECT workspace_id FROM events WHERE kind = 'WORKSPACE_ONLINE'")
    assert [row["workspace_id"] for row in kinds] == [worker]


def test_an_unknown_host_name_is_refused_and_the_row_stays_without_a_url(make_desk: Any) -> None:
    desk = make_desk("register-rejected-url")
    concierge, worker = desk.install_concierge(), desk.order()
    error = 'hostname "localhost" cannot be resolved (DNS error): lookup localhost: no such host'
    assert desk.register(concierge) == (400, {"error": error})
    assert f"registry_register_400 workspace={concierge} reason=url_validate_failed " in desk.lines[-2]
    assert desk.row(concierge)["url"] == ""
    assert desk.register(worker)[0] == 200
    assert desk.acted() == ["register-rejected-url"]


def test_a_token_that_another_provision_holds_shuts_the_concierge_out(make_desk: Any) -> None:
    desk = make_desk("register-unauthorized")
    concierge = desk.install_concierge()
    assert desk.register(concierge) == (401, {"error": "missing workspace auth token"})
    assert f"Registry register: workspace={concierge} boot_register_failed status=401 " in desk.lines[-1]
    payload = {"workspace_id": concierge, "mcp_server_present": True}
    assert desk.call("POST", "/registry/heartbeat", payload)[0] == 401
    assert desk.row(concierge)["status"] == "provisioning"


def test_an_invalid_kind_is_refused_before_anything_is_written(desk: Any) -> None:
    stranger = str(uuid.uuid4())
    assert register(desk, stranger, kind="robot") == (400, {"error": "kind must be 'workspace' or 'platform'"})
    assert desk.tenant.workspace(stranger) is None
    assert desk.lines[-2] == (
        f"registry_register_400 workspace={stranger} reason=invalid_kind payload_url=present payload_card_url=absent "
        'payload_kind="robot" payload_delivery_mode="" existing_url=(new) existing_kind="(new)" '
        "existing_delivery_mode=\"(new)\" detail=\"kind must be 'workspace' or 'platform'\""
    )


def test_what_does_not_bind_is_logged_with_an_empty_workspace(desk: Any) -> None:
    assert desk.call("POST", "/registry/register", body=b"{nonsense") == (400, {"error": "invalid request body"})
    assert desk.lines[-1].startswith("registry_register_400 workspace= reason=invalid_json ")


@pytest.mark.parametrize(
    ("fields", "reason", "error"),
    [
        ({"delivery_mode": "pigeon"}, "invalid_delivery_mode", "delivery_mode must be 'push' or 'poll'"),
        ({"url": ""}, "url_required_for_push", "url is required for push-mode workspaces"),
        ({"url": "http://127.0.0.1:1"}, "url_validate_failed", "url targets a blocked address: loopback address"),
        (
            {"agent_card": {"url": "http://169.254.169.254/"}},
            "agent_card_url_rejected",
            "workspace agent_card URL not allowed",
        ),
    ],
)
def test_each_400_has_its_reason_and_body(desk: Any, concierge: str, fields: Any, reason: str, error: str) -> None:
    assert register(desk, concierge, **fields) == (400, {"error": error})
    assert any(f"reason={reason} " in line for line in desk.lines)


def test_poll_mode_needs_no_url_and_the_card_may_carry_it(desk: Any, concierge: str) -> None:
    assert register(desk, concierge, url="", delivery_mode="poll")[1]["delivery_mode"] == "poll"
    stranger = str(uuid.uuid4())
    assert register(desk, stranger, url="", agent_card={"url": "http://localhost:9"})[0] == 200
    assert desk.row(stranger)["url"] == "http://localhost:9"


def test_the_kind_platform_cannot_be_claimed(desk: Any) -> None:
    status, answer = register(desk, str(uuid.uuid4()), kind="platform")
    assert status == 403
    assert "may only be assigned by the platform-agent install path" in answer["error"]


def test_a_failed_registration_is_remembered_until_the_next_good_one(desk: Any, concierge: str) -> None:
    register(desk, concierge, url="")
    assert desk.row(concierge)["last_register_failure"] == desk.clockwork.now
    register(desk, concierge)
    assert desk.row(concierge)["last_register_failure"] is None


def test_a_removed_row_stays_removed(desk: Any, concierge: str) -> None:
    desk.tenant.database.execute("UPDATE workspaces SET status = 'removed' WHERE id = ?", concierge)
    register(desk, concierge)
    assert desk.row(concierge)["status"] == "removed"
