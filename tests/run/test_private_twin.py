"""The twin of one run, by programs that behave like it or do not."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.run import private_twin
from e2e.run.private_twin import PrivateTwin, refusals_of_twins
from e2e.run.target import TargetError, TargetRefusal
from e2e.run.waiting import Interrupted, Interruption

LINE = json.dumps(
    {
        "control_plane_url": "http://127.0.0.1:1", "admin_token": "t", "tenant_url": "http://127.0.0.1:2",
        "tenant_domain": "d", "aws_endpoint_url": "http://127.0.0.1:3", "aws_access_key_id": "a",
        "aws_secret_access_key": "s", "aws_region": "r", "aws_account": "1", "speed": 100, "image": "i", "gate": "g",
        "pid": 1,
    }
)  # fmt: skip
READY = f"print({LINE!r}, flush=True)"
UNTIL_CLOSED = "sys.stdin.read()"
ACTED = """print('{"faults_acted": {"slow-boot": 2}}')"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts a twin that is the given lines of Python."""
    started: list[PrivateTwin] = []

    def start_it(*lines: str) -> PrivateTwin:
        program = [sys.executable, "-c", "\n".join(("import os, signal, sys, time", *lines))]
        started.append(PrivateTwin(["--speed", "100"], tmp_path / f"twin-{len(started)}.log", program=program))
        return started[-1]

    yield start_it
    for twin in started:
        twin.stop()


def test_a_twin_is_ready_with_its_line_and_ends_with_its_pipe(start: Any) -> None:
    twin = start(READY, UNTIL_CLOSED, ACTED)
    assert twin.connection(Interruption()).speed == 100.0
    assert twin.pid > 0
    assert twin.exit_code is None
    assert twin.stop() == 0
    assert twin.faults_acted == {"slow-boot": 2}


def test_a_twin_says_nothing_about_its_faults_where_it_cannot(start: Any) -> None:
    twin = start(READY, UNTIL_CLOSED, "print('good bye')")
    twin.connection(Interruption())
    twin.stop()
    assert twin.faults_acted == {}


def test_its_command_line_asks_for_one_line_and_an_end_with_the_pipe(start: Any) -> None:
    twin = start("print(sys.argv[1:])")
    with pytest.raises(TargetError, match=r"'--json', '--until-stdin-closes', '--speed', '100'"):
        twin.connection(Interruption())


def test_a_twin_inherits_nothing_that_names_a_live_platform(start: Any, monkeypatch: Any) -> None:
    for name in ("E2E_TARGET", "AWS_PROFILE", "MOLECULE_ADMIN_TOKEN"):
        monkeypatch.setenv(name, "live")
    twin = start(
        "names = [n for n in os.environ if n.startswith(('E2E_', 'AWS_', 'MOLECULE_'))]", "sys.exit(str(names))"
    )
    with pytest.raises(TargetError, match=r"\[\]"):
        twin.connection(Interruption())


def test_a_twin_that_refuses_its_command_line_says_why(start: Any) -> None:
    twin = start("print('twin serve: unknown fault', file=sys.stderr)", "sys.exit(2)")
    with pytest.raises(TargetRefusal, match="unknown fault"):
        twin.connection(Interruption())


@pytest.mark.parametrize(("lines", "words"), [(("print('boom', file=sys.stderr)",), "boom"), ((), "it said nothing")])
def test_a_twin_that_dies_before_it_is_ready_has_last_words(start: Any, lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(TargetError, match=f"ended with code 3 before it was ready: {words}"):
        start(*lines, "sys.exit(3)").connection(Interruption())


def test_a_twin_that_says_something_else_is_none(start: Any) -> None:
    with pytest.raises(TargetError, match="not the JSON line"):
        start("print('hello', flush=True)", UNTIL_CLOSED).connection(Interruption())


def test_a_twin_that_is_never_ready_is_given_up(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(private_twin, "START_SECONDS", 0.1)
    with pytest.raises(TargetError, match="not ready within"):
        start(UNTIL_CLOSED).connection(Interruption())


def test_a_twin_that_closes_its_output_and_stays_is_given_up(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(private_twin, "STOP_SECONDS", 0.1)
    twin = start("os.close(1)", UNTIL_CLOSED)
    with pytest.raises(TargetError, match="does not end"):
        twin.connection(Interruption())


def test_an_interruption_ends_the_wait_for_a_twin(start: Any) -> None:
    interruption = Interruption()
    interruption.request()
    with pytest.raises(Interrupted):
        start(UNTIL_CLOSED).connection(interruption)


def test_a_twin_that_does_not_end_is_killed_and_has_no_exit_code(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(private_twin, "STOP_SECONDS", 0.3)
    twin = start(READY, UNTIL_CLOSED, "time.sleep(60)")
    twin.connection(Interruption())
    assert twin.stop() is None
    assert twin.exit_code == -9


def test_a_twin_that_ended_by_itself_is_seen_to_have_ended(start: Any) -> None:
    twin = start(READY, "sys.exit(7)")
    twin.connection(Interruption())
    assert twin.stop() == 7
    assert twin.exit_code == 7


def test_what_a_twin_does_not_have_is_known_before_one_is_started() -> None:
    answers = refusals_of_twins([["--fault", "mcp-not-deliverd"], ["--gate", "2026-06-20"], ["--seed", "x"]])
    assert answers[0] == "unknown fault 'mcp-not-deliverd'; did you mean mcp-not-delivered?"
    assert answers[1] is None
    assert "not a command line" in str(answers[2])


@pytest.mark.parametrize("program", ["print('garbage')", "print('null')", "raise SystemExit(1)"])
def test_a_check_that_does_not_answer_says_nothing(program: str) -> None:
    asked = [["--seed", "1"], ["--seed", "2"]]
    assert refusals_of_twins(asked, program=[sys.executable, "-c", program]) == [None, None]
