"""What the settings file makes the runtime start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()


@pytest.fixture
def specs(image_module: Callable[[str], Any], tmp_path: Path) -> Callable[[object], list[Any]]:
    """The launches that a settings file leads to, in an otherwise empty container."""
    program = tmp_path / "usr" / "local" / "bin" / "some-server"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    settings = Path(str(tmp_path) + CONTRACT.settings_path)
    settings.parent.mkdir(parents=True)
    environment = {"CONTAINER_ROOT": str(tmp_path), "PATH": str(program.parent), "KEEP": "kept", "MODE": "process"}

    def specs(servers: object) -> list[Any]:
        settings.write_text(json.dumps({CONTRACT.key: servers}))
        contract = image_module("molecule_runtime.delivery_contract").delivery_contract()
        found: list[Any] = image_module("molecule_runtime.mcp_servers").launch_specs(contract, environment)
        return found

    return specs


def test_a_bare_command_is_found_on_the_path_and_its_environment_lies_over_the_process(
    specs: Any, tmp_path: Path
) -> None:
    (spec,) = specs({"s": {"command": "some-server", "args": ["-v", 1], "env": {"MODE": "management"}}})

    assert spec.name == "s"
    assert spec.command == (f"{tmp_path}/usr/local/bin/some-server", "-v", "1")
    assert (spec.environment["KEEP"], spec.environment["MODE"]) == ("kept", "management")


def test_container_paths_are_looked_up_in_the_container(specs: Any, tmp_path: Path) -> None:
    (spec,) = specs({"s": {"command": "/opt/server", "args": ["/configs/x", "/etc/x", "--file=/configs/x"]}})

    assert spec.command == (f"{tmp_path}/opt/server", f"{tmp_path}/configs/x", "/etc/x", "--file=/configs/x")


def test_a_command_that_is_nowhere_is_left_as_it_is(specs: Any) -> None:
    assert specs({"s": {"command": "no-such-server"}})[0].command == ("no-such-server",)


@pytest.mark.parametrize(
    "servers", [{}, [], None, {"s": None}, {"s": {}}, {"s": {"command": ""}}, {"s": {"command": 1}}]
)
def test_entries_without_a_command_start_nothing(specs: Any, servers: object) -> None:
    assert specs(servers) == []


def test_tools_of_a_server_that_does_not_start_stay_unknown(specs: Any, image_module: Any, capfd: Any) -> None:
    tools = image_module("molecule_runtime.mcp_servers").AgentTools(specs({"s": {"command": "no-such-server"}}), 1.0)

    tools.start()

    assert tools.wait_until_settled(30)
    assert tools.tool_ids() is None
    assert "#1027 CRITICAL: management MCP 's' could not be SPAWNED" in capfd.readouterr().err
    tools.close()
