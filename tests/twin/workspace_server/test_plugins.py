"""Declared, recorded, reconciled."""

from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.workspace_server.plugins import reconcile, reconcile_after_denial, recorded_plugins

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


def test_what_is_not_on_the_box_is_delivered_and_takes_effect_with_a_restart(desk: Any, concierge: str) -> None:
    box = desk.box(concierge)
    reconcile(desk.tenant, concierge)
    assert (box / "plugins" / NAME / "plugin.yaml").is_file()
    assert recorded_plugins(desk.tenant, concierge) == {NAME: CONTRACT.plugin_source}
    assert desk.lines[-2].startswith(
        f"Plugin reconcile: workspace={concierge} installed declared plugin {NAME} from {CONTRACT.plugin_source} (sha="
    )
    assert desk.row(concierge)["status"] == "provisioning"
    desk.until(lambda: desk.control_plane.restarted == [concierge])


def test_what_the_forge_does_not_give_is_not_recorded(desk: Any, concierge: str) -> None:
    desk.box(concierge)
    desk.control_plane.archives = False
    reconcile(desk.tenant, concierge)
    assert recorded_plugins(desk.tenant, concierge) == {}
    prefix = f"Plugin reconcile: workspace={concierge} plugin={NAME} stage failed (source={CONTRACT.plugin_source})"
    assert f"{prefix}: HTTP 404" in desk.lines
    assert desk.control_plane.restarted == []


def test_without_a_box_the_delivery_fails(desk: Any, concierge: str) -> None:
    reconcile(desk.tenant, concierge)
    assert recorded_plugins(desk.tenant, concierge) == {}
    assert any(
        line.startswith(f"Plugin reconcile: workspace={concierge} plugin={NAME} deliver failed") for line in desk.lines
    )
    assert desk.control_plane.restarted == []


@pytest.mark.parametrize(("gate", "delivered"), [("2026-06-25", False), ("2026-06-26", True)])
def test_only_a_version_that_verifies_looks_behind_a_record(make_desk: Any, gate: str, delivered: bool) -> None:
    desk = make_desk("stale-plugin-record", gate=gate)
    concierge = desk.install_concierge()
    box = desk.box(concierge)
    reconcile(desk.tenant, concierge)
    skipped = f"complete — installed={int(delivered)} skipped(already-present)={int(not delivered)} declared=1"
    assert desk.lines[-1].endswith(skipped)
    assert (box / "plugins" / NAME).exists() is delivered


def test_denials_start_a_reconcile_once_in_five_minutes(desk: Any, concierge: str) -> None:
    def runs() -> int:
        return sum("complete —" in line for line in desk.lines)

    reconcile_after_denial(desk.tenant, concierge)
    desk.until(lambda: runs() == 1)
    desk.clockwork.now += 299 / 100
    reconcile_after_denial(desk.tenant, concierge)
    desk.clockwork.now += 2 / 100
    reconcile_after_denial(desk.tenant, concierge)
    desk.until(lambda: runs() == 2)
    assert desk.tenant.background.stop()
    assert runs() == 2


def test_an_ordinary_workspace_is_not_entitled_to_the_management_plugin(desk: Any, concierge: str) -> None:
    _, worker = desk.admin("POST", "/workspaces", {"name": "w", "model": "m"})
    path = f"/workspaces/{worker['id']}/plugins"
    assert desk.admin("POST", path, {"source": CONTRACT.plugin_source})[0] == 403
    assert desk.admin("POST", path, {"source": "gitea://molecule-ai/harmless#main"})[0] == 200
    assert desk.admin("GET", path)[1] == [{"name": "harmless", "source": "gitea://molecule-ai/harmless#main"}]


def test_an_install_without_a_source_is_refused(desk: Any, concierge: str) -> None:
    assert desk.admin("POST", f"/workspaces/{concierge}/plugins", {}) == (400, {"error": "invalid request body"})
