"""Which arguments are container paths, and where they lie on the machine."""

from pathlib import Path

import pytest

from e2e.twin.hosts.paths import find_program, is_container_path, on_machine, process_environment, working_directory


@pytest.mark.parametrize(
    "argument", ["/configs", "/configs/.claude/settings.json", "/opt/x", "/tmp/agent/a", "/home/agent/.cache", "/app/"]
)
def test_a_path_under_a_root_is_a_container_path(argument: str) -> None:
    assert is_container_path(argument)
    assert on_machine("/r", argument) == f"/r{argument}"


@pytest.mark.parametrize(
    "argument", ["/configsx", "/etc/passwd", "cat /configs/x", "x=/configs", "/tmp/agents", "/home", "configs", "/", ""]
)
def test_anything_else_is_left_alone(argument: str) -> None:
    assert not is_container_path(argument)
    assert on_machine("/r", argument) == argument


def test_search_paths_are_mapped_and_plain_values_are_not() -> None:
    environment = process_environment(
        "/r", "c0ffee" * 8, {"PYTHONPATH": "/app:/src", "WORKSPACE_CONFIG_PATH": "/configs", "HOME": "/home/agent"}
    )
    assert environment["PYTHONPATH"] == "/r/app:/src"
    assert environment["WORKSPACE_CONFIG_PATH"] == "/configs"
    assert environment["HOME"] == "/r/home/agent"
    assert environment["CONTAINER_ROOT"] == "/r"
    assert environment["CONTAINER_ID"] == "c0ffee" * 8
    assert environment["PATH"].split(":")[0] == "/r/usr/local/bin"


def test_the_root_directory_of_a_container_is_its_rootfs() -> None:
    assert working_directory("/r", "/") == "/r"
    assert working_directory("/r", "/app") == "/r/app"


def test_a_program_is_searched_for_in_order(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").write_text("")
    (tmp_path / "two/tool").chmod(0o755)
    search = f"{tmp_path}/one:{tmp_path}/two"
    assert find_program("tool", search) == f"{tmp_path}/two/tool"
    with pytest.raises(PermissionError):
        find_program("tool", f"{tmp_path}/one")
    with pytest.raises(FileNotFoundError):
        find_program("other", search)
    with pytest.raises(PermissionError):
        find_program(str(tmp_path / "one/tool"), "")
