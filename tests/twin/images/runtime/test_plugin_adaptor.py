"""Merging a plugin's servers into the settings file: it adds, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract

KEY = load_contract().key
NEW = {"new": {"command": "new-server"}}


@pytest.fixture
def adaptor(image_module: Callable[[str], Any]) -> Any:
    return image_module("molecule_runtime.plugin_adaptor")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / ".claude" / "settings.json"


def test_a_missing_file_and_its_folder_are_made(adaptor: Any, settings: Path) -> None:
    adaptor.merge_servers(settings, KEY, NEW)

    assert settings.read_text() == json.dumps({KEY: NEW}, indent=2) + "\n"


def test_other_servers_and_other_keys_stay(adaptor: Any, settings: Path) -> None:
    settings.parent.mkdir()
    settings.write_text(json.dumps({"hooks": {"a": 1}, KEY: {"old": {"command": "x"}, "new": {"command": "stale"}}}))

    adaptor.merge_servers(settings, KEY, NEW)

    assert json.loads(settings.read_text()) == {"hooks": {"a": 1}, KEY: {"old": {"command": "x"}, **NEW}}


@pytest.mark.parametrize("corrupt", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_corrupt_file_is_replaced(adaptor: Any, settings: Path, corrupt: bytes) -> None:
    settings.parent.mkdir()
    settings.write_bytes(corrupt)

    adaptor.merge_servers(settings, KEY, NEW)

    assert json.loads(settings.read_text()) == {KEY: NEW}


def test_servers_that_are_no_object_are_replaced_and_the_rest_stays(adaptor: Any, settings: Path) -> None:
    settings.parent.mkdir()
    settings.write_text(json.dumps({"hooks": {}, KEY: ["old"]}))

    adaptor.merge_servers(settings, KEY, NEW)

    assert json.loads(settings.read_text()) == {"hooks": {}, KEY: NEW}


def test_nothing_is_left_beside_the_file(adaptor: Any, settings: Path) -> None:
    adaptor.merge_servers(settings, KEY, NEW)

    assert [path.name for path in settings.parent.iterdir()] == ["settings.json"]


def test_a_plugin_without_servers_touches_nothing(adaptor: Any, tmp_path: Path, settings: Path, capsys: Any) -> None:
    for name, fragment in {"bare": None, "empty": "{}", "broken": "{", "skills": '{"skills": []}'}.items():
        (tmp_path / "plugins" / name).mkdir(parents=True)
        if fragment is not None:
            (tmp_path / "plugins" / name / "settings-fragment.json").write_text(fragment)

    adaptor.install_plugins([tmp_path / "plugins", tmp_path / "absent"], settings, load_contract())

    assert not settings.exists()
    assert capsys.readouterr().err.count("could not be installed") == 1


def test_a_settings_file_that_cannot_be_written_is_a_warning(
    adaptor: Any, tmp_path: Path, settings: Path, capsys: Any
) -> None:
    plugin = tmp_path / "plugins" / "one"
    plugin.mkdir(parents=True)
    (plugin / "settings-fragment.json").write_text(json.dumps({KEY: NEW}))
    settings.mkdir(parents=True)

    adaptor.install_plugins([tmp_path / "plugins"], settings, load_contract())

    assert "plugin one: could not be installed" in capsys.readouterr().err
