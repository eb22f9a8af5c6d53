"""A reader that goes away changes nothing of what a command returns."""

import subprocess
import sys
from pathlib import Path

import pytest

from e2e.cli.output import say

PRINTS_A_LOT = """
import sys
from e2e.cli.output import say
for _ in range(20000):
    say("a line that nobody reads", err={err})
sys.exit(7)
"""


def test_lines_go_where_they_belong(capsys: pytest.CaptureFixture[str]) -> None:
    say("for the pipe")
    say("for people", err=True)
    assert capsys.readouterr() == ("for the pipe\n", "for people\n")


def test_a_reader_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("click.echo", gone)
    with (tmp_path / "pipe").open("w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        say("nobody reads this")
        pipe.write("nor this")
    assert (tmp_path / "pipe").read_text() == ""


@pytest.mark.parametrize("err", [False, True])
def test_the_exit_code_survives_a_closed_pipe(err: bool) -> None:
    pipes = {"stderr" if err else "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", PRINTS_A_LOT.format(err=err)], **pipes)  # type: ignore[call-overload]
    pipe = process.stderr if err else process.stdout
    pipe.readline()
    pipe.close()
    assert process.wait(timeout=30) == 7
