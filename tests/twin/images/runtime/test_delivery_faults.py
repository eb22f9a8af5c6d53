"""From plugin to settings file, with faults: what lies on disk, what is reported, what is printed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()
HEARTBEAT = ("POST", "/registry/heartbeat")
Start = Callable[..., Any]


def _servers(container: Any) -> Any:
    settings = Path(f"{container.rootfs}{CONTRACT.settings_path}")
    return json.loads(settings.read_text())[CONTRACT.key]


def _plugin(container: Any) -> Path:
    return Path(f"{container.configs}/plugins/{CONTRACT.plugin_declared_name}/plugin.yaml")


def test_what_is_not_merged_leaves_the_plugin_on_disk_and_no_settings(
    start: Start, tenant: Any, switch_on: Any
) -> None:
    fault = switch_on("settings-not-merged")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert _plugin(container).is_file()
    assert not Path(f"{container.rootfs}{CONTRACT.settings_path}").exists()
    assert beat.document[CONTRACT.runtime_present_field] is False
    assert fault.acted == {"settings-not-merged": 1}


def test_a_write_that_was_cut_off_is_no_settings_file(start: Start, tenant: Any, switch_on: Any) -> None:
    fault = switch_on("settings-malformed")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)
    content = Path(f"{container.rootfs}{CONTRACT.settings_path}").read_text()

    assert content.startswith("{")
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)
    assert beat.document[CONTRACT.runtime_present_field] is False
    assert fault.acted == {"settings-malformed": 1}


@pytest.mark.parametrize(
    ("kind", "entry", "line"),
    [
        (0, None, None),
        (1, {"env": {"MOLECULE_MCP_MODE": "management"}}, None),
        (
            2,
            {"command": "molecule-platform-mcp", "env": {"MOLECULE_MCP_MODE": "management"}},
            f"#1027 CRITICAL: management MCP {CONTRACT.mcp_server_name!r} could not be SPAWNED",
        ),
    ],
)
def test_an_entry_that_starts_nothing_is_present_all_the_same(
    start: Start, tenant: Any, switch_on: Any, kind: int, entry: object, line: str | None
) -> None:
    fault = switch_on(f"settings-entry-not-launchable:entry={kind}")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert _servers(container) == {CONTRACT.mcp_server_name: entry}
    assert beat.document[CONTRACT.runtime_present_field] is True
    assert CONTRACT.loaded_mcp_tools_field not in beat.document
    assert ("#1027 CRITICAL" in container.log) is (line is not None)
    assert line is None or line in container.log
    assert fault.acted == {"settings-entry-not-launchable": 1}


def test_an_image_older_than_the_shared_name_wires_and_reports_the_server_by_the_old_one(
    start: Start, tenant: Any, switch_on: Any
) -> None:
    fault = switch_on("server-name-drift")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert list(_servers(container)) == ["platform"]
    assert beat.document[CONTRACT.runtime_present_field] is True
    tools = beat.document[CONTRACT.loaded_mcp_tools_field]
    assert f"mcp__platform__{CONTRACT.create_workspace.required_tool}" in tools
    assert CONTRACT.required_tool_id not in tools
    assert fault.acted["server-name-drift"] >= 2
