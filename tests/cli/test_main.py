"""The command line as a whole: quick help, commands that exist, and exit codes that mean what they say."""

import importlib
import json
import os
import signal
import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner

from e2e.cli import main as command_line
from e2e.cli.main import COMMANDS, concierge_e2e

HEAVY = ("boto3", "botocore", "docker", "pydantic", "rich", "jinja2", "httpx", "yaml", "jsonschema", "pytest", "psutil")
LISTING = """
import json, sys
sys.argv = ["concierge-e2e", *sys.argv[1:]]
from e2e.cli.main import main
try:
    main()
except SystemExit as end:
    print(json.dumps({"code": end.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def modules_of(*arguments: str) -> set[str]:
    """The modules that a command has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *arguments], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    ended = json.loads(done.stderr.splitlines()[-1])
    assert ended["code"] == 0
    return {name.partition(".")[0] for name in ended["modules"]}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("faults", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert modules_of(*arguments).isdisjoint(HEAVY)


def test_every_command_is_there_and_shows_an_example() -> None:
    listed = CliRunner().invoke(concierge_e2e, ["--help"])
    assert listed.exit_code == 0
    for name, (place, line) in COMMANDS.items():
        assert name in listed.output
        assert line in listed.output
        module, _, attribute = place.partition(":")
        assert isinstance(getattr(importlib.import_module(module), attribute), click.Command)
        help_text = CliRunner().invoke(concierge_e2e, [name, "--help"])
        assert help_text.exit_code == 0
        if name not in ("contract", "twin"):
            assert "Example" in help_text.output


@pytest.mark.parametrize("arguments", [["no-such-command"], ["run", "--no-such-option"], ["run", "--jobs", "0"]])
def test_wrong_usage_ends_with_two(arguments: list[str], monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["concierge-e2e", *arguments])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code == 2
    assert "Usage:" in capsys.readouterr().err


def test_what_is_listed_and_is_no_command_is_a_mistake_of_ours(monkeypatch: Any) -> None:
    monkeypatch.setitem(COMMANDS, "odd", ("e2e.cli.main:COMMANDS", "Not a command."))
    with pytest.raises(TypeError, match="is not a command"):
        concierge_e2e.get_command(click.Context(concierge_e2e), "odd")


@pytest.mark.parametrize(("ends", "code"), [(lambda: None, 0), (lambda: click.get_current_context().exit(7), 7)])
def test_the_exit_code_is_the_one_of_the_command(monkeypatch: Any, ends: Any, code: int) -> None:
    monkeypatch.setattr(command_line, "concierge_e2e", click.command()(ends))
    monkeypatch.setattr(sys, "argv", ["concierge-e2e"])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code == code


def test_ctrl_c_anywhere_ends_with_130(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(command_line, "concierge_e2e", click.command()(lambda: os.kill(os.getpid(), signal.SIGINT)))
    monkeypatch.setattr(sys, "argv", ["concierge-e2e"])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code == 130
    assert "interrupted" in capsys.readouterr().err
