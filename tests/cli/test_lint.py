"""``lint`` tells everything that is wrong, once, with places and a code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from e2e.cli.lint import lint

GOOD = "scenario: good\nsummary: Fine.\ntargets: [local]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text("scenario: bad\nsummery: x\ntargets: [local]\n")
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(lint, [str(argument) for argument in arguments])


def test_the_shipped_scenarios_are_linted_by_default() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stderr.endswith("scenario files: no problems\n")
    assert result.stdout == ""


def test_every_problem_stands_in_a_line_with_its_place(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        f"{folder}/bad.yaml:1:1: the scenario lacks the key 'summary'",
        f"{folder}/bad.yaml:2:1: unknown key 'summery'; did you mean 'summary'?",
    ]
    assert result.stderr == "2 scenario files: 2 problems\n"


def test_json_has_the_same(folder: Path) -> None:
    result = run("--json", folder / "bad.yaml")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["files"] == 1
    assert document["problems"][1] == {
        "path": f"{folder}/bad.yaml",
        "line": 2,
        "column": 1,
        "message": "unknown key 'summery'; did you mean 'summary'?",
    }
    assert json.loads(run("--json", folder / "good.yaml").stdout) == {"files": 1, "problems": []}


def test_a_path_that_is_not_there_is_a_problem(folder: Path) -> None:
    result = run(folder / "none.yaml")
    assert result.exit_code == 2
    assert "none.yaml:1:1: no such scenario file or folder" in result.stdout


def test_no_scenario_at_all_is_not_a_success(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "no scenario file (*.yaml) in this folder" in result.stdout


def test_help_shows_an_example() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "Example: concierge-e2e lint" in result.stdout


def test_the_command_is_imported_without_its_work() -> None:
    code = "import sys, e2e.cli.lint; print(sorted({'yaml', 'jsonschema', 'boto3'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert run.stdout.strip() == "[]"
