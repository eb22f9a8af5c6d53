"""The secret scan finds what is planted, never shows it, and does not mistake blindness for silence."""

import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "secret-scan"
PLANTED = "ghp" + "_" + "a1B2" * 9


def load_script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("secret_scan", str(SCRIPT))
    spec = importlib.util.spec_from_loader("secret_scan", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module


def scan(*arguments: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "clean.txt").write_text("nothing here\n")
    subprocess.run(["git", "add", "clean.txt"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_clean_repository_passes(repository: Path) -> None:
    result = scan(folder=repository)
    assert (result.returncode, result.stdout) == (0, "")
    assert "1 files, 0 found" in result.stderr


def test_a_planted_secret_is_found_and_not_shown(repository: Path) -> None:
    (repository / "sub").mkdir()
    (repository / "sub" / "config").write_text(f"a\nb\ntoken = {PLANTED}\n")
    subprocess.run(["git", "add", "sub"], cwd=repository, check=True)
    for folder in (repository, repository / "sub"):
        result = scan(folder=folder)
        assert result.returncode == 1
        assert result.stdout.strip() == f"{repository}/sub/config:3: github token"
        assert "a1B2" not in result.stdout + result.stderr


def test_what_git_does_not_track_is_looked_at_only_by_name(repository: Path) -> None:
    (repository / "notes").write_text(PLANTED)
    assert scan(folder=repository).returncode == 0
    assert scan("notes", folder=repository).returncode == 1
    assert scan(".", folder=repository).returncode == 1


def test_a_binary_file_is_looked_at_too(repository: Path) -> None:
    (repository / "blob").write_bytes(b"\x00\xff" + PLANTED.encode() + b"\x00")
    assert scan("blob", folder=repository).returncode == 1


def test_a_place_without_git_is_no_success(tmp_path: Path) -> None:
    result = scan(folder=tmp_path)
    assert result.returncode == 2
    assert "git cannot list the tracked files" in result.stderr


def test_a_missing_path_or_nothing_to_scan_is_no_success(tmp_path: Path) -> None:
    assert scan("none", folder=tmp_path).returncode == 2
    assert "nothing to scan" in scan(tmp_path, folder=tmp_path).stderr


def test_every_pattern_finds_its_planted_example() -> None:
    assert load_script().blind_spots() == []


def test_a_pattern_gone_blind_stops_the_scan(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_script()
    monkeypatch.setattr(module, "COMPILED", module.COMPILED[1:])
    assert module.main([str(SCRIPT)]) == 2
    assert "blind for: github token" in capsys.readouterr().err


def test_the_scan_is_clean_itself() -> None:
    assert scan(SCRIPT, Path(__file__), folder=SCRIPT.parent).returncode == 0
