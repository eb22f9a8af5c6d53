"""Ctrl-C, SIGTERM and SIGKILL at every point of a run on a real twin: torn down, said so, and nothing left.

All runs of this module go on at the same time; each is hit when it says the line that the case waits for.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from e2e.ledger.ledger import read_ledger

pytestmark = pytest.mark.twin

PROVISIONING = "created tenant"
HOLDING = "the window begins"
TEARING_DOWN = "teardown: begins"


def to_the_group(number: int) -> Callable[[Any], None]:
    return lambda program: program.kill_group(number)


def to_the_run_alone(number: int) -> Callable[[Any], None]:
    return lambda program: os.kill(program.process.pid, number)


def pytest_of(program: Any) -> psutil.Process:
    """The pytest process that ``run`` has started."""
    (child,) = psutil.Process(program.process.pid).children()
    return child


def kill_run_and_pytest(program: Any) -> None:
    child = pytest_of(program)
    os.kill(program.process.pid, signal.SIGKILL)
    child.kill()


@dataclass(frozen=True)
class Case:
    """One way to stop a run."""

    line: str
    hit: Callable[[Any], None]
    options: tuple[str, ...] = ()
    file: str = "short/short.yaml"


CASES = {
    "ctrl-c while provisioning": Case(PROVISIONING, to_the_group(signal.SIGINT)),
    "ctrl-c while holding": Case(HOLDING, to_the_group(signal.SIGINT)),
    "ctrl-c while tearing down": Case(TEARING_DOWN, to_the_group(signal.SIGINT)),
    "ctrl-c in a rehearsal": Case(
        HOLDING, to_the_group(signal.SIGINT), ("--require-live", "--rehearse", "--target", "local"), "fresh_boot.yaml"
    ),
    "sigterm while holding": Case(HOLDING, to_the_run_alone(signal.SIGTERM)),
    "the terminal is closed": Case(HOLDING, to_the_run_alone(signal.SIGHUP)),
    "run is killed": Case(PROVISIONING, to_the_run_alone(signal.SIGKILL)),
    "run and pytest are killed": Case(HOLDING, kill_run_and_pytest),
    "pytest is killed": Case(PROVISIONING, lambda program: pytest_of(program).kill()),
}


@pytest.fixture(scope="module")
def runs(start: Any, scenarios: Path) -> dict[str, Any]:
    """Every case, hit and ended."""
    programs: dict[str, Any] = {}
    threads = []
    for name, case in CASES.items():
        program = start("run", str(scenarios / case.file), "--out", "{out}", *case.options)

        def drive(program: Any = program, case: Case = case) -> None:
            program.says(case.line)
            case.hit(program)
            program.code = program.wait()

        programs[name] = program
        threads.append(threading.Thread(target=drive))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return programs


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ctrl-c while provisioning", 130),
        ("ctrl-c while holding", 130),
        ("ctrl-c while tearing down", 130),
        ("ctrl-c in a rehearsal", 5),
        ("sigterm while holding", 130),
        ("the terminal is closed", 130),
    ],
)
def test_a_run_that_is_asked_to_stop_tears_down_says_so_and_closes_its_ledger(
    runs: dict[str, Any], name: str, code: int
) -> None:
    program = runs[name]
    assert program.code == code, program.text
    assert program.err.count("interrupted: tearing down what was created") == 1
    assert "interrupted: the session was asked to stop" in program.out
    assert program.receipt()["code"] == code
    (verdict,) = program.verdicts().values()
    assert verdict["teardown"] == {"complete": True, "ledger_closed": True, "leaks": []}
    (bundle,) = program.bundles()
    assert read_ledger(bundle / "ledger.jsonl").closed
    program.assert_nothing_is_left()


@pytest.mark.parametrize("name", ["ctrl-c while provisioning", "ctrl-c while holding", "ctrl-c in a rehearsal"])
def test_what_was_not_proven_yet_is_unproven_because_of_the_interruption(runs: dict[str, Any], name: str) -> None:
    (verdict,) = runs[name].verdicts().values()
    assert (verdict["outcome"], verdict["class"], verdict["cause"]) == ("unproven", "UNKNOWN", "interrupted")
    assert "interrupted: tearing down" in runs[name].err


def test_what_was_proven_before_the_teardown_stays_proven(runs: dict[str, Any]) -> None:
    (verdict,) = runs["ctrl-c while tearing down"].verdicts().values()
    assert (verdict["outcome"], verdict["code"]) == ("proven", 0)


def test_a_pytest_that_is_killed_leaves_no_receipt_and_no_twin(runs: dict[str, Any]) -> None:
    program = runs["pytest is killed"]
    assert program.code == 70, program.text
    assert "HARNESS receipt-missing" in program.err
    until_the_twin_is_gone(program)


def test_a_twin_ends_by_itself_when_the_harness_is_killed(runs: dict[str, Any]) -> None:
    program = runs["run and pytest are killed"]
    assert program.code == -signal.SIGKILL
    assert program.verdicts_written() == []
    until_the_twin_is_gone(program)


def test_a_pytest_whose_run_is_killed_tears_down_by_itself(runs: dict[str, Any]) -> None:
    program = runs["run is killed"]
    assert program.code == -signal.SIGKILL
    program.assert_nothing_is_left()
    assert program.receipt()["code"] == 130
    (verdict,) = program.verdicts().values()
    assert verdict["teardown"]["complete"] is True


def until_the_twin_is_gone(program: Any) -> None:
    """A killed harness leaves its ledger open for a later sweep, and nothing else."""
    (pointer,) = (program.folder / "state" / "open").iterdir()
    (bundle,) = program.bundles()
    assert json.loads(pointer.read_text())["ledger"] == str(bundle / "ledger.jsonl")
    assert not read_ledger(bundle / "ledger.jsonl").closed
    pointer.unlink()
    program.assert_nothing_is_left()
