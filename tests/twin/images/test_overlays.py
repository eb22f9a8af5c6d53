"""The images beside the default one, booted: what each of them reports, wires and offers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()
TOOLS, PRESENT = CONTRACT.loaded_mcp_tools_field, CONTRACT.runtime_present_field
HEARTBEAT = ("POST", "/registry/heartbeat")
REGISTER = ("POST", "/registry/register")
ORDER = 'Please create a workspace named "nonce" with the model "moonshot/kimi-k2.6".'
OTHER = next(name for name in CONTRACT.create_workspace.tool_names if name != CONTRACT.create_workspace.required_tool)
Start = Callable[..., Any]


def _first(tenant: Any) -> tuple[Any, Any]:
    """The registration and the first heartbeat."""
    return tenant.wait_for(*REGISTER)[0].document, tenant.wait_for(*HEARTBEAT)[0].document


def _settings(container: Any) -> Path:
    return Path(f"{container.rootfs}{CONTRACT.settings_path}")


@pytest.mark.parametrize("light_mcp", [False, True], ids=["sdk", "light"])
def test_the_legacy_image_works_by_its_baked_binary_and_wires_no_plugin(
    start: Start, tenant: Any, light_mcp: bool
) -> None:
    container = start(image="claude-code-legacy", light_mcp=light_mcp)
    registration, beat = _first(tenant)

    assert (registration[PRESENT], beat[PRESENT]) == (True, True)
    assert TOOLS not in beat
    assert not _settings(container).exists()
    assert (container.configs / "plugins" / CONTRACT.plugin_declared_name / "plugin.yaml").is_file()
    assert "new-id" in container.ask(ORDER)
    assert CONTRACT.required_tool_id in container.ask("Which tools do you have?")


@pytest.mark.parametrize(("image", "wired"), [("claude-code-no-boot-install", True), ("claude-code-legacy", False)])
def test_a_plugin_that_was_pushed_onto_the_box_is_wired_unless_the_image_wires_none(
    start: Start, tenant: Any, sandbox: Path, image: str, wired: bool
) -> None:
    fragment = json.dumps({CONTRACT.key: {CONTRACT.mcp_server_name: {"command": "molecule-mcp"}}})
    folder = sandbox / "shared" / "pushed"
    folder.mkdir(parents=True)
    (folder / "settings-fragment.json").write_text(fragment)
    container = start(image=image, PLUGINS_DIR=str(folder.parent))
    _first(tenant)

    assert _settings(container).exists() is wired


def test_an_image_that_does_not_know_presence_says_nothing_about_it(start: Start, tenant: Any) -> None:
    container = start(image="claude-code-unreported")
    registration, beat = _first(tenant)

    assert PRESENT not in registration
    assert PRESENT not in beat
    assert "new-id" in container.ask(ORDER)


def test_a_hollow_binary_is_present_and_cannot_be_started(start: Start, tenant: Any) -> None:
    container = start(image="claude-code-hollow-binary")
    registration, beat = _first(tenant)

    assert (registration[PRESENT], beat[PRESENT]) == (True, True)
    assert TOOLS not in beat
    assert f"management MCP {CONTRACT.mcp_server_name!r} could not be SPAWNED" in container.log
    assert "I don't have a" in container.ask(ORDER)


def test_an_image_without_boot_install_fetches_nothing(start: Start, tenant: Any) -> None:
    container = start(image="claude-code-no-boot-install")
    _, beat = _first(tenant)

    assert beat[PRESENT] is False
    assert "[plugins]" not in container.log
    assert not [request for request in tenant.seen if request.path.startswith("/api/v1/repos/")]


def test_an_image_that_reports_no_tools_has_them_all_the_same(start: Start, tenant: Any) -> None:
    container = start(image="claude-code-no-tools")
    _, beat = _first(tenant)

    assert beat[PRESENT] is True
    assert TOOLS not in beat
    assert "new-id" in container.ask(ORDER)


@pytest.mark.parametrize("light_mcp", [False, True], ids=["sdk", "light"])
def test_an_image_that_knows_no_management_mode_reports_an_empty_list(
    start: Start, tenant: Any, light_mcp: bool
) -> None:
    start(image="claude-code-wrong-mode", light_mcp=light_mcp)
    _, beat = _first(tenant)

    assert (beat[PRESENT], beat[TOOLS]) == (True, [])


@pytest.mark.parametrize("light_mcp", [False, True], ids=["sdk", "light"])
def test_an_image_with_the_other_verb_creates_by_that_name(start: Start, tenant: Any, light_mcp: bool) -> None:
    container = start(image="claude-code-other-verb", light_mcp=light_mcp)
    _, beat = _first(tenant)

    assert f"mcp__{CONTRACT.mcp_server_name}__{OTHER}" in beat[TOOLS]
    assert CONTRACT.required_tool_id not in beat[TOOLS]
    assert f"I called {OTHER}." in container.ask(ORDER)


def test_the_retired_binary_is_not_started_where_the_settings_wire_the_server(
    image_module: Callable[[str], Any], tmp_path: Path
) -> None:
    binary = Path(str(tmp_path) + CONTRACT.legacy_binary_path)
    settings = Path(str(tmp_path) + CONTRACT.settings_path)
    for folder in (binary.parent, settings.parent):
        folder.mkdir(parents=True)
    binary.touch()
    contract = image_module("molecule_runtime.delivery_contract").delivery_contract()
    launch_specs = image_module("molecule_runtime.mcp_servers").launch_specs

    def commands(servers: object) -> list[tuple[str, ...]]:
        settings.write_text(json.dumps({CONTRACT.key: servers}))
        return [spec.command for spec in launch_specs(contract, {"CONTAINER_ROOT": str(tmp_path), "PATH": ""})]

    assert commands({}) == [(str(binary),)]
    assert commands({CONTRACT.mcp_server_name: {"command": "other"}}) == [("other",)]
    assert commands({CONTRACT.mcp_server_name: None}) == []
    assert commands({"another": {"command": "other"}}) == [(str(binary),), ("other",)]
