"""How processes of ours are started."""

import subprocess
import sys
from pathlib import Path

import e2e
from e2e.run.interpreter import python_module

ROOT = str(Path(e2e.__file__).resolve().parent.parent)


def test_what_lies_in_the_current_folder_does_not_stand_in_for_our_modules(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    command = python_module("json.tool", search_path=["/usr/bin"], safe_path=False)
    done = subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    wrong = subprocess.run(
        [sys.executable, "-m", "json.tool", "--help"], cwd=tmp_path, capture_output=True, check=False
    )
    assert b"the wrong json" in wrong.stderr


def test_a_checkout_that_is_not_installed_is_found_where_it_lies() -> None:
    assert "-P" not in python_module("pytest", search_path=[ROOT], safe_path=False)


def test_everywhere_else_the_current_folder_stays_out() -> None:
    assert "-P" in python_module("pytest", search_path=["/usr/bin", ROOT], safe_path=False)
    assert "-P" in python_module("pytest", search_path=[ROOT], safe_path=True)
    assert "-P" in python_module("pytest", search_path=[], safe_path=False)
