"""What befalls a concierge that is online."""

from typing import Any

import pytest

from e2e.twin.workspace_server.mishaps import Mishaps
from e2e.twin.workspace_server.sweeps import sweep_liveness


def online(desk: Any) -> str:
    concierge: str = desk.install_concierge()
    assert desk.register(concierge)[0] == 200
    return concierge


def pass_time(desk: Any, platform_seconds: float) -> None:
    desk.clockwork.now += platform_seconds / 100


def test_nothing_befalls_a_concierge_without_a_fault(desk: Any) -> None:
    concierge, mishaps = online(desk), Mishaps(desk.tenant)
    mishaps.look()
    pass_time(desk, 10_000)
    mishaps.look()
    assert desk.row(concierge)["status"] == "online"
    assert desk.acted() == []


@pytest.mark.parametrize("fault", ["concierge-removed", "tombstone-revived"])
def test_a_tombstone_comes_once_the_concierge_has_been_online_for_a_while(make_desk: Any, fault: str) -> None:
    desk = make_desk(f"{fault}:after=90")
    concierge = desk.install_concierge()
    mishaps = Mishaps(desk.tenant)
    mishaps.look()
    pass_time(desk, 91)
    mishaps.look()
    assert desk.row(concierge)["status"] == "provisioning"
    desk.register(concierge)
    mishaps.look()
    pass_time(desk, 89)
    mishaps.look()
    assert desk.row(concierge)["status"] == "online"
    pass_time(desk, 2)
    mishaps.look()
    assert desk.row(concierge)["status"] == "removed"
    assert desk.control_plane.deleted == []
    assert desk.acted() == [fault]


def test_a_plain_tombstone_stays_one_whatever_its_machine_says(make_desk: Any) -> None:
    desk = make_desk("concierge-removed:after=0")
    concierge = online(desk)
    Mishaps(desk.tenant).look()
    assert [desk.beat(concierge) for _ in range(2)] == ["removed"] * 2
    assert desk.admin("GET", f"/workspaces/{concierge}")[0] == 410


def test_a_denial_revives_a_tombstone_that_lost_its_secrets(make_desk: Any) -> None:
    desk = make_desk("tombstone-revived:after=0")
    concierge = online(desk)
    Mishaps(desk.tenant).look()
    assert desk.admin("GET", "/workspaces") == (200, [])
    assert desk.call("POST", "/registry/heartbeat", {"workspace_id": concierge, "mcp_server_present": True})[0] == 200
    assert desk.row(concierge)["status"] == "failed"
    assert [row["id"] for row in desk.admin("GET", "/workspaces")[1]] == [concierge]


def test_a_lost_host_leaves_a_row_that_nobody_sweeps(make_desk: Any) -> None:
    desk = make_desk("online-while-host-gone:after=0")
    concierge = online(desk)
    Mishaps(desk.tenant).look()
    assert desk.control_plane.deleted == [concierge]
    pass_time(desk, 10_000)
    sweep_liveness(desk.tenant)
    assert desk.row(concierge)["status"] == "online"


def test_a_mishap_happens_once(make_desk: Any) -> None:
    desk = make_desk("online-while-host-gone:after=0")
    concierge, mishaps = online(desk), Mishaps(desk.tenant)
    for _ in range(3):
        mishaps.look()
    assert desk.control_plane.deleted == [concierge]
    assert desk.acted() == ["online-while-host-gone"]


def test_two_mishaps_come_one_after_the_other(make_desk: Any) -> None:
    desk = make_desk("stale-register-failure:after=0", "online-while-host-gone:after=0")
    concierge, mishaps = online(desk), Mishaps(desk.tenant)
    mishaps.look()
    assert (desk.control_plane.deleted, desk.control_plane.restarted) == ([concierge], [])
    mishaps.look()
    desk.until(lambda: desk.control_plane.restarted == [concierge])


def test_the_mark_of_a_registration_refused_after_a_restart_keeps_the_row_degraded(make_desk: Any) -> None:
    desk = make_desk("stale-register-failure:after=0")
    concierge = online(desk)
    url = desk.row(concierge)["url"]
    Mishaps(desk.tenant).look()
    desk.until(lambda: desk.control_plane.restarted == [concierge])
    token = desk.tenant.database.row("SELECT token FROM workspace_tokens WHERE kind = 'instance'")["token"]
    payload = {
        "id": concierge,
        "agent_card": {"name": "agent"},
        "url": "http://localhost:2",
        "mcp_server_present": True,
    }
    refused = desk.call("POST", "/registry/register", payload, {"Authorization": f"Bearer {token}"})
    assert refused[0] == 400
    assert "reason=url_validate_failed" in desk.lines[-2]
    assert desk.row(concierge)["url"] == url
    seen = []
    for _ in range(4):
        seen.append(desk.beat(concierge, agent_card={"name": "agent"}))
        pass_time(desk, 200)
    # The first beat flips ``provisioning`` to ``online`` and is judged by that.
    assert seen == ["degraded"] * 4
    assert not any("cleared register-failure marker" in line for line in desk.lines)


def test_a_healed_mark_goes_with_the_next_card(make_desk: Any) -> None:
    desk = make_desk("stale-register-failure:after=0,heal=150000")
    concierge = online(desk)
    desk.tenant.database.execute("UPDATE workspaces SET last_register_failure = ?", desk.clockwork.now)
    assert desk.beat(concierge, agent_card={"name": "agent"}) == "degraded"
    desk.clockwork.now = 1500.0
    assert desk.beat(concierge, agent_card={"name": "agent"}) == "online"
