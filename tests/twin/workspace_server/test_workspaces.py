"""GET and DELETE of workspaces."""

import uuid
from typing import Any


def create(desk: Any, name: str, **fields: object) -> str:
    status, answer = desk.admin("POST", "/workspaces", {"name": name, "model": "m"} | fields)
    assert status == 201
    return str(answer["id"])


def test_the_single_row_lacks_the_fields_that_only_the_list_has(desk: Any, concierge: str) -> None:
    _, (listed,) = desk.admin("GET", "/workspaces")
    _, single = desk.admin("GET", f"/workspaces/{concierge}")
    only_in_list = {"budget_limit", "monthly_spend", "current_task", "last_sample_error", "workspace_dir"}
    assert set(listed) - set(single) == only_in_list
    assert set(single) - set(listed) == {"last_outbound_at", "last_heartbeat_at", "wedged"}


def test_the_concierge_is_the_platform_root_without_parent(desk: Any, concierge: str) -> None:
    _, (row,) = desk.admin("GET", "/workspaces")
    assert (row["id"], row["kind"], row["parent_id"], row["tier"]) == (concierge, "platform", None, 0)
    assert "mcp_server_present" not in row
    assert "loaded_mcp_tools" not in row
    assert "instance_id" not in row


def test_the_single_row_is_open_and_its_errors_have_their_codes(desk: Any, concierge: str) -> None:
    org = {"X-Molecule-Org-Id": desk.tenant.configuration.org_id}
    assert desk.call("GET", f"/workspaces/{concierge}", headers=org)[0] == 200
    assert desk.call("GET", "/workspaces/nonsense", headers=org) == (400, {"error": "invalid workspace ID"})
    assert desk.call("GET", f"/workspaces/{uuid.uuid4()}", headers=org) == (404, {"error": "workspace not found"})


def test_delete_wants_the_exact_name(desk: Any, concierge: str) -> None:
    worker = create(desk, "worker")
    status, answer = desk.admin("DELETE", f"/workspaces/{worker}")
    assert (status, answer["error"]) == (400, "destructive_action_requires_confirmation")
    assert (answer["workspace_name"], answer["child_count"]) == ("worker", 0)
    assert desk.admin("DELETE", f"/workspaces/{worker}", None, **{"X-Confirm-Name": "Worker"})[0] == 400


def test_a_deleted_workspace_loses_its_host_and_is_gone(desk: Any, concierge: str) -> None:
    worker = create(desk, "worker")
    desk.until(lambda: desk.row(worker)["instance_id"])
    confirmed = {"X-Confirm-Name": "worker"}
    assert desk.admin("DELETE", f"/workspaces/{worker}", None, **confirmed) == (
        200,
        {"status": "removed", "cascade_deleted": 0},
    )
    assert desk.control_plane.deleted == [worker]
    assert desk.admin("GET", f"/workspaces/{worker}")[0] == 410
    assert desk.admin("GET", f"/workspaces/{worker}?include_removed=true")[1]["status"] == "removed"
    assert desk.admin("DELETE", f"/workspaces/{worker}", None, **confirmed)[0] == 410
    assert [row["id"] for row in desk.admin("GET", "/workspaces")[1]] == [concierge]


def test_children_are_only_taken_along_when_that_is_confirmed(desk: Any, concierge: str) -> None:
    worker = create(desk, "worker")
    desk.until(lambda: desk.row(worker)["instance_id"])
    confirmed = {"X-Confirm-Name": "Acme Agent"}
    status, answer = desk.admin("DELETE", f"/workspaces/{concierge}", None, **confirmed)
    assert (status, answer["status"]) == (409, "confirmation_required")
    assert desk.admin("DELETE", f"/workspaces/{concierge}?confirm=true", None, **confirmed) == (
        200,
        {"status": "removed", "cascade_deleted": 1},
    )
    assert desk.admin("GET", "/workspaces") == (200, [])


def test_the_model_is_resolved_from_the_secrets(desk: Any, concierge: str) -> None:
    assert desk.admin("GET", f"/workspaces/{concierge}/model")[1]["source"] == "workspace_secrets"
    desk.tenant.database.execute("DELETE FROM workspace_secrets")
    assert desk.admin("GET", f"/workspaces/{concierge}/model")[1] == {"model": "", "source": "unresolved"}
