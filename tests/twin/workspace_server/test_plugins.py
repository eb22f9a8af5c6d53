"""Declared, recorded, reconciled."""

from typing import Any

from e2e.contract import load_contract
from e2e.twin.workspace_server.plugins import reconcile, recorded_plugins

CONTRACT = load_contract()
NAME = CONTRACT.plugin_declared_name


def test_what_is_on_the_box_is_only_recorded(desk: Any, concierge: str) -> None:
    folder = desk.tenant.configs_of(desk.row(concierge)["instance_id"]) / "plugins" / NAME
    folder.mkdir(parents=True)
    (folder / "plugin.yaml").write_text("name: x\n")
    reconcile(desk.tenant, concierge)
    assert recorded_plugins(desk.tenant, concierge) == {NAME: CONTRACT.plugin_source}
    recorded, complete = desk.lines[-2:]
    assert recorded == (
        f"Plugin reconcile: workspace={concierge} plugin={NAME} already on box (boot-installed) — recording tracking "
        "row only, no re-deliver/restart"
    )
    assert complete == (
        f"Plugin reconcile: workspace={concierge} complete — installed=1 skipped(already-present)=0 declared=1"
    )


def test_a_stale_record_makes_the_reconcile_a_no_op(desk: Any, concierge: str) -> None:
    desk.tenant.database.execute("INSERT INTO workspace_plugins VALUES (?, ?, 's', 'now')", concierge, NAME)
    reconcile(desk.tenant, concierge)
    assert desk.lines[-1].endswith("complete — installed=0 skipped(already-present)=1 declared=1")


def test_what_is_not_on_the_box_is_not_recorded(desk: Any, concierge: str) -> None:
    reconcile(desk.tenant, concierge)
    assert recorded_plugins(desk.tenant, concierge) == {}
    assert f"Plugin reconcile: workspace={concierge} plugin={NAME} deliver failed" in desk.lines


def test_an_ordinary_workspace_is_not_entitled_to_the_management_plugin(desk: Any, concierge: str) -> None:
    _, worker = desk.admin("POST", "/workspaces", {"name": "w", "model": "m"})
    path = f"/workspaces/{worker['id']}/plugins"
    assert desk.admin("POST", path, {"source": CONTRACT.plugin_source})[0] == 403
    assert desk.admin("POST", path, {"source": "gitea://molecule-ai/harmless#main"})[0] == 200
    assert desk.admin("GET", path)[1] == [{"name": "harmless", "source": "gitea://molecule-ai/harmless#main"}]


def test_an_install_without_a_source_is_refused(desk: Any, concierge: str) -> None:
    assert desk.admin("POST", f"/workspaces/{concierge}/plugins", {}) == (400, {"error": "invalid request body"})
