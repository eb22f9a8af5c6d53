"""Installing the platform agent, and what each provision of it gets."""

import base64
import sqlite3
import uuid
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()


def test_the_provision_carries_key_plugin_model_and_provider(desk: Any, concierge: str) -> None:
    (body,) = desk.control_plane.provisions
    environment = body["env"]
    assert body["kind"] == "platform"
    assert environment["MOLECULE_ORG_API_KEY"] == environment["MOLECULE_API_KEY"] == "admin-token"
    assert environment["MOLECULE_DECLARED_PLUGINS"] == CONTRACT.plugin_source
    assert environment["MODEL"] == environment["MOLECULE_MODEL"] == "moonshot/kimi-k2.6"
    assert environment["LLM_PROVIDER"] == "platform"
    assert (environment["GIT_HTTP_USERNAME"], environment["GIT_HTTP_PASSWORD"]) == ("template-token", "x-oauth-basic")
    assert environment["MOLECULE_API_URL"] == environment["PLATFORM_URL"] == desk.tenant.own_url
    assert environment["MOLECULE_PLATFORM_SPEED"] == "100"


def test_the_name_stands_in_the_prompt_and_in_the_log(desk: Any, concierge: str) -> None:
    files = desk.control_plane.provisions[0]["config_files"]
    prompt = base64.b64decode(files["system-prompt.md"]).decode()
    assert "Org Concierge" in prompt
    assert "Acme Agent" in prompt
    assert "{{" not in prompt
    assert 'name: "Acme Agent"' in base64.b64decode(files["config.yaml"]).decode()
    (line,) = desk.lines
    assert line == (
        "Provisioner: applied platform-agent env + {{CONCIERGE_NAME}} substitution for "
        f'{concierge} (name="Acme Agent", 2 config file(s))'
    )


def test_a_plugin_that_cannot_be_declared_is_logged_and_the_boot_goes_on(make_desk: Any) -> None:
    desk = make_desk("mcp-not-delivered")
    concierge = desk.install_concierge()
    assert desk.lines[0] == (
        f'Provisioner: concierge {concierge} could not declare "{CONTRACT.plugin_declared_name}" plugin '
        "(recorded=0 skipped=1) — management MCP may be absent until next provision"
    )
    assert desk.control_plane.provisions[0]["env"]["MOLECULE_DECLARED_PLUGINS"] == ""


def test_without_a_seeded_secret_the_container_has_a_model_and_the_platform_has_none(make_desk: Any) -> None:
    desk = make_desk("model-secret-missing")
    concierge = desk.install_concierge()
    environment = desk.control_plane.provisions[0]["env"]
    assert environment["MODEL"] == environment["MOLECULE_MODEL"] == "moonshot/kimi-k2.6"
    assert environment["LLM_PROVIDER"] == "platform"
    assert not desk.tenant.has_model(concierge)
    assert desk.register(concierge)[0] == 400
    assert desk.beat(concierge) == "failed"
    assert "reason=platform_agent_model_missing" in "".join(desk.lines)
    assert desk.acted() == ["model-secret-missing"]


def test_an_install_that_is_lost_is_answered_like_a_kept_one(make_desk: Any) -> None:
    desk = make_desk("no-concierge")
    wanted = {"id": "22222222-2222-4222-8222-222222222222", "name": "Acme Agent"}
    status, answer = desk.admin("POST", "/admin/org/platform-agent", wanted)
    assert (status, answer["status"]) == (200, "installed")
    assert desk.admin("GET", "/workspaces") == (200, [])
    assert desk.control_plane.provisions == []
    assert desk.acted() == ["no-concierge"]


def test_without_the_backstop_an_install_can_leave_two_platform_roots(make_desk: Any) -> None:
    desk = make_desk("two-concierges")
    concierge = desk.install_concierge()
    rows = desk.admin("GET", "/workspaces")[1]
    assert [(row["kind"], row["parent_id"]) for row in rows] == [("platform", None)] * 2
    assert [body["workspace_id"] for body in desk.control_plane.provisions] == [concierge]


def test_with_the_backstop_the_database_refuses_a_second_platform_root(desk: Any, concierge: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        desk.admin("POST", "/admin/org/platform-agent", {"id": str(uuid.uuid4()), "name": "Another"})


def test_a_stale_record_is_written_ahead(make_desk: Any) -> None:
    desk = make_desk("stale-plugin-record")
    concierge = desk.install_concierge()
    plugins = [{"name": CONTRACT.plugin_declared_name, "source": CONTRACT.plugin_source}]
    assert desk.admin("GET", f"/workspaces/{concierge}/plugins")[1] == plugins


def test_installing_again_neither_doubles_the_row_nor_provisions_again(desk: Any, concierge: str) -> None:
    desk.install_concierge()
    assert len(desk.admin("GET", "/workspaces")[1]) == 1
    assert len(desk.control_plane.provisions) == 1


def test_old_roots_come_under_the_concierge(desk: Any) -> None:
    _, worker = desk.admin("POST", "/workspaces", {"name": "w", "model": "m"})
    concierge = desk.install_concierge()
    assert desk.row(worker["id"])["parent_id"] == concierge


def test_the_install_wants_id_and_name(desk: Any) -> None:
    assert desk.admin("POST", "/admin/org/platform-agent", {"id": "x"}) == (400, {"error": "invalid request body"})
    org = {"X-Molecule-Org-Id": desk.tenant.configuration.org_id}
    assert desk.call("POST", "/admin/org/platform-agent", {"id": "x", "name": "y"}, org)[0] == 401


def test_a_concierge_removed_while_it_was_provisioned_gives_its_host_back(desk: Any) -> None:
    from e2e.twin.workspace_server.provision import provision_workspace

    concierge = desk.install_concierge()
    provisioned = desk.control_plane.provision

    def removed_meanwhile(call: Any) -> Any:
        desk.tenant.database.execute("UPDATE workspaces SET status = 'removed' WHERE id = ?", concierge)
        return provisioned(call)

    desk.control_plane.provision = removed_meanwhile
    provision_workspace(desk.tenant, concierge)
    assert desk.control_plane.deleted == [concierge]
