"""The same concierge, seven answers: each kind of concierge against each version of the gate, through the registry."""

from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.workspace_server.gate import DEFAULT_GATE, POLICIES

CONTRACT = load_contract()
CREATE, PROVISION = (CONTRACT.tool_id(name) for name in ("create_workspace", "provision_workspace"))
HEARTBEAT = 30.5
"""Platform seconds between two heartbeats; a little more than a real one's, so that no grace ends on a heartbeat."""

LETTERS = {"o": "online", "d": "degraded", "f": "failed", "p": "provisioning"}
VERSIONS = ("2026-06-15", "2026-06-18", "2026-06-18b", "2026-06-20", "2026-06-22", "2026-06-25", "2026-06-26")

# What is registered, and then the status after the registration and after each of eight heartbeats, by version.
FAILED, ONLINE, FLAPS, NEVER = "f ffffffff", "o oooooooo", "o dodododo", "p pppppppp"
AFTER_90, AFTER_180, VERIFIED = "o oooddddd", "o oooooodd", "p oooooooo"
ANSWERS: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "no model": ({"model": False}, (FAILED,) * 7),
    "no server": ({"mcp_server_present": False}, (ONLINE, *(FAILED,) * 6)),
    "presence not reported": (
        {"mcp_server_present": None},
        (ONLINE, FAILED, ONLINE, ONLINE, ONLINE, ONLINE, VERIFIED),
    ),
    "tools not reported": (
        {"loaded_mcp_tools": None},
        (ONLINE, ONLINE, ONLINE, FLAPS, AFTER_90, AFTER_180, NEVER),
    ),
    "no tools": ({"loaded_mcp_tools": []}, (ONLINE, ONLINE, ONLINE, FLAPS, AFTER_90, AFTER_180, NEVER)),
    "create_workspace": (
        {"loaded_mcp_tools": [CREATE]},
        (ONLINE, ONLINE, ONLINE, ONLINE, ONLINE, AFTER_180, NEVER),
    ),
    "provision_workspace": (
        {"loaded_mcp_tools": [PROVISION]},
        (ONLINE, ONLINE, ONLINE, FLAPS, AFTER_90, ONLINE, VERIFIED),
    ),
}
CASES = [
    pytest.param(gate, fields, answers[index], id=f"{name}-{gate}")
    for name, (fields, answers) in ANSWERS.items()
    for index, gate in enumerate(VERSIONS)
]


def test_the_versions_are_these_in_this_order() -> None:
    assert tuple(POLICIES) == VERSIONS
    assert DEFAULT_GATE == "2026-06-20"


@pytest.mark.parametrize(("gate", "fields", "answer"), CASES)
def test_each_version_answers_each_concierge_in_its_own_way(
    make_desk: Any, gate: str, fields: dict[str, object], answer: str
) -> None:
    desk = make_desk(gate=gate)
    concierge = desk.install_concierge()
    if fields.get("model") is False:
        desk.tenant.database.execute("DELETE FROM workspace_secrets")
    said = {name: value for name, value in fields.items() if name != "model"}
    presence = said.get("mcp_server_present", True)
    desk.register(concierge, mcp_server_present=presence)
    seen = [desk.row(concierge)["status"]]
    for _ in range(8):
        seen.append(desk.beat(concierge, **said))
        desk.clockwork.now += HEARTBEAT / 100
    assert seen == [LETTERS[letter] for letter in answer.replace(" ", "")]


@pytest.mark.parametrize("gate", VERSIONS)
def test_no_version_looks_at_the_tools_of_an_ordinary_workspace(make_desk: Any, gate: str) -> None:
    desk = make_desk(gate=gate)
    desk.install_concierge()
    worker = desk.order()
    assert desk.register(worker, mcp_server_present=False)[0] == 200
    assert desk.beat(worker, mcp_server_present=False, loaded_mcp_tools=[]) == "online"
    assert desk.beat(worker, mcp_server_present=True, loaded_mcp_tools=None) == "online"


@pytest.mark.parametrize("gate", VERSIONS)
def test_lines_of_later_versions_stay_out_of_earlier_ones(make_desk: Any, gate: str) -> None:
    desk = make_desk(gate=gate)
    concierge = desk.install_concierge()
    desk.register(concierge)
    for _ in range(8):
        desk.beat(concierge, loaded_mcp_tools=None)
        desk.clockwork.now += HEARTBEAT / 100
    text = "\n".join(desk.lines)
    assert ("warming, holding provisioning" in text) is (gate == "2026-06-26")
    assert ("marking degraded (core#3082)" in text) is (gate in ("2026-06-20", "2026-06-22", "2026-06-25"))
    assert "transition=" not in text
    verb = "provision_workspace" if gate >= "2026-06-25" else "create_workspace"
    assert (f"cannot verify {verb} tool is loaded" in text) is POLICIES[gate].checks_tools


@pytest.mark.parametrize("gate", ["2026-06-22", "2026-06-25"])
def test_one_heartbeat_with_the_tools_begins_the_grace_anew(make_desk: Any, gate: str) -> None:
    desk = make_desk(gate=gate)
    concierge, grace = desk.install_concierge(), POLICIES[gate].tools_grace_seconds
    assert grace is not None
    good = [POLICIES[gate].required_tool_id(CONTRACT)]
    desk.register(concierge)
    desk.beat(concierge, loaded_mcp_tools=[])
    desk.clockwork.now += (grace - 1) / 100
    assert desk.beat(concierge, loaded_mcp_tools=[]) == "online"
    assert desk.beat(concierge, loaded_mcp_tools=good) == "online"
    desk.clockwork.now += (grace - 1) / 100
    assert desk.beat(concierge, loaded_mcp_tools=[]) == "online"
    desk.clockwork.now += (grace + 1) / 100
    assert desk.beat(concierge, loaded_mcp_tools=[]) == "degraded"
    assert desk.beat(concierge, loaded_mcp_tools=good) == "online"


def test_a_degraded_concierge_is_told_of_at_every_heartbeat_once_the_grace_is_over(make_desk: Any) -> None:
    desk = make_desk(gate="2026-06-22")
    concierge = desk.install_concierge()
    desk.register(concierge)
    for _ in range(7):
        desk.beat(concierge, loaded_mcp_tools=[])
        desk.clockwork.now += HEARTBEAT / 100
    assert sum("declared but not loaded; marking degraded (core#3082)" in line for line in desk.lines) == 4


@pytest.mark.parametrize(("gate", "shown"), [("2026-06-22", False), ("2026-06-25", True), ("2026-06-26", True)])
def test_the_reported_tools_are_kept_and_returned_from_25_june_on(make_desk: Any, gate: str, shown: bool) -> None:
    desk = make_desk(gate=gate)
    concierge = desk.install_concierge()
    desk.register(concierge)

    def answers() -> list[object]:
        (listed,) = desk.admin("GET", "/workspaces")[1]
        single = desk.admin("GET", f"/workspaces/{concierge}")[1]
        return [row.get("loaded_mcp_tools", "no such field") for row in (listed, single)]

    assert answers() == ([None, None] if shown else ["no such field"] * 2)
    desk.beat(concierge, loaded_mcp_tools=[PROVISION])
    assert answers() == ([[PROVISION]] * 2 if shown else ["no such field"] * 2)
    desk.beat(concierge, loaded_mcp_tools=None)
    assert answers() == ([[PROVISION]] * 2 if shown else ["no such field"] * 2)


def test_a_concierge_that_is_never_verified_runs_into_the_provision_timeout(make_desk: Any) -> None:
    from e2e.twin.workspace_server.sweeps import PROVISION_TIMEOUT, sweep_provisioning

    desk = make_desk(gate="2026-06-26")
    concierge = desk.install_concierge()
    desk.register(concierge)
    assert desk.beat(concierge, loaded_mcp_tools=[]) == "provisioning"
    desk.clockwork.now += PROVISION_TIMEOUT / 100 + 1
    sweep_provisioning(desk.tenant)
    assert desk.row(concierge)["status"] == "failed"
    assert desk.beat(concierge, loaded_mcp_tools=[]) == "failed"
    assert desk.beat(concierge, loaded_mcp_tools=[PROVISION]) == "online"


def test_being_verified_ends_the_provisioning_and_starts_the_reconcile(make_desk: Any) -> None:
    desk = make_desk(gate="2026-06-26")
    concierge = desk.install_concierge()
    desk.register(concierge)
    assert desk.beat(concierge, loaded_mcp_tools=[PROVISION]) == "online"
    assert desk.row(concierge)["provisioning_since"] is None
    assert f"Heartbeat: transitioned {concierge} from provisioning to online (heartbeat received)" in desk.lines
    desk.until(lambda: any("Plugin reconcile:" in line for line in desk.lines))


@pytest.mark.parametrize("gate", VERSIONS)
def test_a_denial_starts_the_reconcile_from_25_june_on(make_desk: Any, gate: str) -> None:
    desk = make_desk(gate=gate)
    concierge = desk.install_concierge()
    desk.box(concierge)
    refused = desk.register(concierge, mcp_server_present=False)[0] == 400
    desk.beat(concierge, mcp_server_present=False)
    if gate >= "2026-06-25":
        desk.until(lambda: desk.control_plane.restarted == [concierge])
    assert desk.tenant.background.stop()
    reconciled = any("Plugin reconcile:" in line for line in desk.lines)
    assert (refused, reconciled) == (gate > "2026-06-15", gate >= "2026-06-25" or gate == "2026-06-15")


def test_a_missing_model_starts_no_reconcile(make_desk: Any) -> None:
    desk = make_desk("model-secret-missing", gate="2026-06-25")
    concierge = desk.install_concierge()
    desk.register(concierge)
    desk.beat(concierge)
    assert desk.tenant.background.stop()
    assert not any("Plugin reconcile:" in line for line in desk.lines)


def test_a_first_denial_before_delivery_heals_at_any_version(make_desk: Any) -> None:
    desk = make_desk("denial-before-delivery")
    concierge = desk.install_concierge()
    box = desk.box(concierge)
    desk.register(concierge, mcp_server_present=False)
    assert desk.beat(concierge, mcp_server_present=False) in ("failed", "provisioning")
    desk.until(lambda: desk.control_plane.restarted == [concierge])
    assert (box / "plugins" / CONTRACT.plugin_declared_name / "plugin.yaml").is_file()
    assert desk.register(concierge)[0] == 200
    assert desk.beat(concierge) == "online"
