"""The boundary: what a workspace says of itself gains it nothing. Without any fault, unless a test says otherwise."""

import json
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.workspace_server.gate import POLICIES
from e2e.twin.workspace_server.plugins import declared_plugins, reconcile, recorded_plugins
from e2e.twin.workspace_server.provision import container_environment

CONTRACT = load_contract()
NAME = CONTRACT.plugin_declared_name
TOOLS = [CONTRACT.tool_id(name) for name in CONTRACT.create_workspace.tool_names]
KEYS = {"MOLECULE_ORG_API_KEY", "MOLECULE_API_KEY"}


def steal_settings(desk: Any, workspace_id: str) -> None:
    """Put onto the box what the concierge's box has: the plugin, and the entry in the settings."""
    box = desk.box(workspace_id)
    (box / "plugins" / NAME).mkdir(parents=True)
    (box / "plugins" / NAME / "plugin.yaml").write_text("name: x\n")
    (box / ".claude").mkdir()
    entry = {CONTRACT.mcp_server_name: {"command": "molecule-mcp", "env": {"MOLECULE_MCP_MODE": "management"}}}
    (box / ".claude/settings.json").write_text(json.dumps({CONTRACT.key: entry}))


def pretender(desk: Any, *, stolen: bool) -> str:
    """Return an ordinary workspace that reports everything a concierge reports."""
    worker = desk.order()
    desk.until(lambda: desk.row(worker)["instance_id"])
    if stolen:
        steal_settings(desk, worker)
    assert desk.register(worker, mcp_server_present=True)[0] == 200
    for _ in range(3):
        assert desk.beat(worker, mcp_server_present=True, loaded_mcp_tools=TOOLS) == "online"
    return str(worker)


@pytest.mark.parametrize("gate", list(POLICIES))
@pytest.mark.parametrize("stolen", [False, True], ids=["says-so", "stolen-settings"])
def test_a_self_report_gains_an_ordinary_workspace_no_key_no_plugin_and_no_row(
    make_desk: Any, gate: str, stolen: bool
) -> None:
    desk = make_desk(gate=gate)
    desk.install_concierge()
    worker = pretender(desk, stolen=stolen)
    rows = len(desk.admin("GET", "/workspaces")[1])
    reconcile(desk.tenant, worker)
    assert declared_plugins(desk.tenant, worker) == recorded_plugins(desk.tenant, worker) == {}
    assert KEYS.isdisjoint(container_environment(desk.tenant, desk.row(worker)))
    assert len(desk.admin("GET", "/workspaces")[1]) == rows == 2
    assert [body["workspace_id"] for body in desk.control_plane.provisions].count(worker) == 1
    assert desk.control_plane.restarted == []


def test_its_own_token_opens_no_door_of_the_admin(desk: Any, concierge: str) -> None:
    _, created = desk.admin("POST", "/workspaces", {"name": "worker", "model": "m"})
    worker = created["id"]
    _, registered = desk.register(worker)
    for token in (created["auth_token"], registered["auth_token"]):
        headers = {"Authorization": f"Bearer {token}", "X-Molecule-Org-Id": desk.tenant.configuration.org_id}
        order = {"name": "loot", "model": "m"}
        refused = (401, {"error": "invalid admin auth token"})
        assert desk.call("POST", "/workspaces", order, headers) == refused
        assert desk.call("POST", "/admin/org/platform-agent", {"id": worker, "name": "me"}, headers) == refused
        assert desk.call("POST", f"/workspaces/{worker}/restart", {}, headers) == refused
        plugin = {"source": CONTRACT.plugin_source}
        assert desk.call("POST", f"/workspaces/{worker}/plugins", plugin, headers)[0] == 403
        assert desk.call("GET", f"/workspaces/{concierge}/plugins", None, headers)[0] == 401
    assert [row["kind"] for row in desk.admin("GET", "/workspaces")[1]] == ["platform", "workspace"]


def test_nobody_becomes_the_concierge_by_registering_as_one(desk: Any, concierge: str) -> None:
    worker = desk.order()
    status, answer = desk.register(worker, kind="platform")
    assert (status, desk.row(worker)["kind"]) == (403, "workspace")
    assert answer["error"] == "kind='platform' may only be assigned by the platform-agent install path"
    assert desk.register(concierge)[0] == 200
    assert desk.register(concierge, url="http://localhost:666") == (401, {"error": "missing workspace auth token"})


def test_a_bypass_gives_plugin_key_and_a_new_container_on_a_mere_word(make_desk: Any) -> None:
    desk = make_desk("entitlement-bypass")
    concierge = desk.install_concierge()
    desk.register(concierge)
    desk.beat(concierge)
    worker = desk.order()
    desk.until(lambda: desk.row(worker)["instance_id"])
    assert desk.register(worker, mcp_server_present=False)[0] == 200
    assert desk.beat(worker, mcp_server_present=False, loaded_mcp_tools=None) in ("online", "provisioning")
    provisions = desk.control_plane.provisions
    desk.until(lambda: [body["workspace_id"] for body in provisions].count(worker) == 2)
    assert desk.control_plane.deleted == [worker]
    assert provisions[-1]["env"]["MOLECULE_ORG_API_KEY"] == desk.tenant.configuration.admin_token
    assert provisions[-1]["env"]["MOLECULE_DECLARED_PLUGINS"] == CONTRACT.plugin_source
    assert set(desk.acted()) == {"entitlement-bypass"}
    desk.register(worker)
    desk.beat(worker)
    assert desk.tenant.background.stop()
    assert [body["workspace_id"] for body in provisions] == [concierge, worker, worker]


def test_a_gap_in_the_entitlement_gives_the_plugin_and_not_the_key(make_desk: Any) -> None:
    desk = make_desk("privileged-plugin-on-ordinary-workspace")
    desk.install_concierge()
    worker = desk.order()
    desk.until(lambda: desk.row(worker)["instance_id"])
    environment = desk.control_plane.provisions[-1]["env"]
    assert environment["MOLECULE_DECLARED_PLUGINS"] == CONTRACT.plugin_source
    assert KEYS.isdisjoint(environment)
    (desk.box(worker) / "plugins" / NAME).mkdir(parents=True)
    (desk.box(worker) / "plugins" / NAME / "plugin.yaml").write_text("name: x\n")
    reconcile(desk.tenant, worker)
    assert recorded_plugins(desk.tenant, worker) == {NAME: CONTRACT.plugin_source}
    assert set(desk.acted()) == {"privileged-plugin-on-ordinary-workspace"}
