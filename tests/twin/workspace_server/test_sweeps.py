"""What the tenant moves by itself."""

from typing import Any

import pytest

from e2e.twin.workspace_server.sweeps import PROVISION_TIMED_OUT, start_sweeps, sweep_liveness, sweep_provisioning


def register(desk: Any, workspace_id: str) -> None:
    payload = {"id": workspace_id, "agent_card": {}, "url": "http://localhost:1", "mcp_server_present": True}
    assert desk.call("POST", "/registry/register", payload)[0] == 200


def test_a_workspace_without_a_sign_of_life_goes_offline(desk: Any, concierge: str) -> None:
    register(desk, concierge)
    desk.clockwork.now += desk.tenant.clock.real(180)
    sweep_liveness(desk.tenant)
    assert desk.row(concierge)["status"] == "online"
    desk.clockwork.now += 0.01
    sweep_liveness(desk.tenant)
    assert desk.row(concierge)["status"] == "offline"


def test_a_provision_that_never_registers_fails_with_the_documented_text(desk: Any, concierge: str) -> None:
    sweep_provisioning(desk.tenant)
    assert desk.row(concierge)["status"] == "provisioning"
    desk.clockwork.now += desk.tenant.clock.real(720) + 0.01
    sweep_provisioning(desk.tenant)
    row = desk.row(concierge)
    assert (row["status"], row["last_sample_error"]) == ("failed", PROVISION_TIMED_OUT)
    assert PROVISION_TIMED_OUT.startswith("provisioning timed out — container started but never called")


@pytest.mark.parametrize("status", ["failed", "paused"])
def test_only_living_rows_go_offline(desk: Any, concierge: str, status: str) -> None:
    register(desk, concierge)
    desk.tenant.database.execute("UPDATE workspaces SET status = ?", status)
    desk.clockwork.now += 1000
    sweep_liveness(desk.tenant)
    assert desk.row(concierge)["status"] == status


def test_the_sweeps_run_by_themselves(desk: Any, concierge: str) -> None:
    register(desk, concierge)
    desk.clockwork.now += 1000
    start_sweeps(desk.tenant)
    desk.until(lambda: desk.row(concierge)["status"] == "offline")
