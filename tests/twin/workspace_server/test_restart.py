"""Restarts of a workspace's container."""

import uuid
from typing import Any


def test_a_restart_goes_through_provisioning(desk: Any, concierge: str) -> None:
    desk.register(concierge)
    assert desk.admin("POST", f"/workspaces/{concierge}/restart") == (200, {"status": "provisioning"})
    desk.until(lambda: desk.control_plane.restarted == [concierge])
    row = desk.row(concierge)
    assert row["status"] == "provisioning"
    assert row["provisioning_since"] is not None


def test_a_restart_that_is_refused_fails_the_row(desk: Any, concierge: str) -> None:
    desk.control_plane.refuse = "the host does not run"
    desk.admin("POST", f"/workspaces/{concierge}/restart")
    desk.until(lambda: desk.row(concierge)["status"] == "failed")
    assert desk.row(concierge)["last_sample_error"].startswith("restart failed: control plane: HTTP 409")


def test_what_was_removed_or_never_was_is_not_restarted(desk: Any, concierge: str) -> None:
    desk.tenant.database.execute("UPDATE workspaces SET status = 'removed'")
    assert desk.admin("POST", f"/workspaces/{concierge}/restart")[0] == 410
    assert desk.admin("POST", f"/workspaces/{uuid.uuid4()}/restart")[0] == 404
    assert desk.control_plane.restarted == []
    assert desk.row(concierge)["status"] == "removed"


def test_a_restart_wants_the_admin_token(desk: Any, concierge: str) -> None:
    org = {"X-Molecule-Org-Id": desk.tenant.configuration.org_id}
    assert desk.call("POST", f"/workspaces/{concierge}/restart", {}, org)[0] == 401
