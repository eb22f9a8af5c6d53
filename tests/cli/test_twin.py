"""``twin serve`` becomes the twin's own process; what it cannot follow is one line and exit code 2."""

import os
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from e2e.cli.twin import twin


def test_the_command_line_is_handed_over_as_it_is(monkeypatch: Any) -> None:
    became: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda path, command: became.append((path, command)))
    result = CliRunner().invoke(twin, ["serve", "--json", "--fault", "slow-boot:begin=1", "--help"])
    assert result.exit_code == 0
    path, command = became[0]
    assert path == sys.executable
    assert command[-6:] == ["-m", "e2e.twin.serve", "--json", "--fault", "slow-boot:begin=1", "--help"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "mcp-not-deliverd"], "did you mean mcp-not-delivered?"),
        (["--image", "nonsense"], "unknown image 'nonsense'"),
        (["--gate", "yesterday"], "unknown gate 'yesterday'"),
        (["--speed", "0"], "speed must be a positive number"),
    ],
)
def test_what_a_twin_does_not_have_is_one_clear_line(arguments: list[str], words: str, tmp_path: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "e2e.cli.main", "twin", "serve", *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert words in line
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
