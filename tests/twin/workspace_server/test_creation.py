"""POST /workspaces."""

import json
from typing import Any

import pytest

ORDER = {"name": "worker", "model": "moonshot/kimi-k2.6"}


def test_a_created_workspace_is_a_worker_under_the_concierge(desk: Any, concierge: str) -> None:
    status, answer = desk.admin("POST", "/workspaces", ORDER)
    assert (status, answer["status"], answer["workspace_access"]) == (201, "provisioning", "none")
    assert answer["auth_token"]
    row = desk.row(answer["id"])
    assert (row["kind"], row["parent_id"], row["tier"], row["runtime"]) == ("workspace", concierge, 4, "claude-code")


def test_a_worker_gets_neither_the_organisations_key_nor_a_plugin(desk: Any, concierge: str) -> None:
    _, answer = desk.admin("POST", "/workspaces", ORDER)
    desk.until(lambda: desk.row(answer["id"])["instance_id"])
    body = desk.control_plane.provisions[-1]
    assert "kind" not in body
    assert body["env"]["WORKSPACE_ID"] == answer["id"]
    assert body["env"]["MOLECULE_DECLARED_PLUGINS"] == ""
    assert not {"MOLECULE_ORG_API_KEY", "MOLECULE_API_KEY", "ADMIN_TOKEN"} & set(body["env"])


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({"name": "w"}, 422, "MODEL_REQUIRED"),
        ({"name": "w", "model": " "}, 422, "MODEL_REQUIRED"),
        ({"name": "w", "model": "m", "runtime": "cobol"}, 422, "RUNTIME_UNSUPPORTED"),
        ({"model": "m"}, 400, None),
        ({"name": 3, "model": "m"}, 400, None),
        ({"name": "w", "model": "m", "secrets": []}, 400, None),
        ({"name": "w", "model": "m", "budget_limit": True}, 400, None),
        ({"name": "w", "model": "m", "workspace_access": "all"}, 400, None),
        ({"name": "w", "model": "m", "parent_id": "nobody"}, 400, None),
        ([], 400, None),
    ],
)
def test_what_cannot_be_created_is_refused_and_leaves_no_row(
    desk: Any, document: object, status: int, code: Any
) -> None:
    answered, answer = desk.admin("POST", "/workspaces", document)
    assert (answered, answer.get("code")) == (status, code)
    assert desk.admin("GET", "/workspaces") == (200, [])


def test_a_taken_name_gets_a_number(desk: Any, concierge: str) -> None:
    names = []
    for _ in range(3):
        _, answer = desk.admin("POST", "/workspaces", ORDER)
        names.append(desk.row(answer["id"])["name"])
    assert names == ["worker", "worker (2)", "worker (3)"]


def test_names_run_out(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.twin.workspace_server.creation.NAME_ATTEMPTS", 1)
    assert desk.admin("POST", "/workspaces", ORDER)[0] == 201
    assert desk.admin("POST", "/workspaces", ORDER)[0] == 409


def test_without_a_concierge_the_sole_root_is_the_parent(desk: Any) -> None:
    _, first = desk.admin("POST", "/workspaces", ORDER)
    _, second = desk.admin("POST", "/workspaces", ORDER)
    assert desk.row(first["id"])["parent_id"] is None
    assert desk.row(second["id"])["parent_id"] == first["id"]


def test_an_external_agent_boots_itself(desk: Any) -> None:
    status, answer = desk.admin("POST", "/workspaces", {"name": "mine", "external": True})
    assert (status, answer["external"], answer["status"]) == (201, True, "awaiting_agent")
    assert desk.control_plane.provisions == []


def test_a_refused_provision_fails_the_row_with_the_reason(desk: Any) -> None:
    desk.control_plane.refuse = "RUNTIME_PIN_MISSING"
    _, answer = desk.admin("POST", "/workspaces", ORDER)
    desk.until(lambda: desk.row(answer["id"])["status"] == "failed")
    assert desk.row(answer["id"])["last_sample_error"] == "control plane: HTTP 422 RUNTIME_PIN_MISSING"


def test_a_lost_row_is_answered_like_a_kept_one(make_desk: Any) -> None:
    desk = make_desk("create-workspace-no-row")
    status, answer = desk.admin("POST", "/workspaces", ORDER)
    assert (status, answer["status"], set(answer)) == (
        201,
        "provisioning",
        {"id", "status", "workspace_access", "auth_token"},
    )
    assert desk.admin("GET", "/workspaces") == (200, [])
    assert desk.admin("GET", f"/workspaces/{answer['id']}")[0] == 404
    assert desk.acted() == ["create-workspace-no-row"]


def test_a_rejected_order_leaves_no_row(make_desk: Any) -> None:
    desk = make_desk("create-workspace-rejected")
    status, answer = desk.admin("POST", "/workspaces", ORDER)
    assert (status, answer["code"]) == (422, "UNREGISTERED_MODEL_FOR_RUNTIME")
    assert desk.admin("GET", "/workspaces") == (200, [])
    assert desk.acted() == ["create-workspace-rejected"]


def test_a_misplaced_workspace_is_a_root_of_its_own(make_desk: Any) -> None:
    desk = make_desk("created-under-wrong-parent")
    desk.install_concierge()
    row = desk.row(desk.order())
    assert (row["kind"], row["parent_id"]) == ("workspace", None)
    assert desk.acted() == ["created-under-wrong-parent"]


def test_a_workspace_of_the_wrong_kind_is_a_second_platform_root(make_desk: Any) -> None:
    desk = make_desk("created-wrong-kind")
    concierge = desk.install_concierge()
    row = desk.row(desk.order())
    assert (row["kind"], row["parent_id"]) == ("platform", None)
    assert desk.tenant.platform_root()["id"] == concierge
    assert desk.acted() == ["created-wrong-kind"]


def test_a_created_workspace_that_cannot_be_provisioned_fails_behind_its_201(make_desk: Any) -> None:
    desk = make_desk("created-workspace-failed")
    concierge = desk.install_concierge()
    worker = desk.order()
    desk.until(lambda: desk.row(worker)["status"] == "failed")
    assert [body["workspace_id"] for body in desk.control_plane.provisions] == [concierge]
    event = desk.tenant.database.row("SELECT data FROM events WHERE kind = 'WORKSPACE_PROVISION_FAILED'")
    assert json.loads(event["data"])["code"] == "MISSING_BYOK_CREDENTIAL"
    assert desk.acted() == ["created-workspace-failed"]
