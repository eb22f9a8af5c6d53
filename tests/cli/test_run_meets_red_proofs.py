"""``run scenarios/faults --jobs 3`` on real twins: three faulty platforms at once, each told apart."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.twin

RED = ("mcp-not-delivered", "runtime-ignores-plugin-mcp", "create-workspace-no-row")


@pytest.fixture(scope="module")
def run(start: Any, scenarios: Path) -> Any:
    """One session of three red proofs, side by side."""
    files = [str(scenarios / "faults" / f"{name}.yaml") for name in RED]
    program = start("run", *files, "--jobs", "3", "--out", "{out}", "--json")
    program.code = program.wait()
    return program


def test_all_three_are_met(run: Any) -> None:
    assert run.code == 0, run.text
    verdicts = run.verdicts()
    assert {name: verdicts[name]["expectation"] for name in RED} == dict.fromkeys(RED, "met")
    assert json.loads(run.out)["code"] == 0


@pytest.mark.parametrize("name", RED)
def test_each_is_read_as_its_own_cause_and_nothing_else(run: Any, name: str) -> None:
    verdict = run.verdicts()[name]
    assert (verdict["outcome"], verdict["class"], verdict["cause"]) == ("failed", "PRODUCT", name)
    assert verdict["teardown"]["complete"] is True
    assert verdict["claim"] != "row_by_agent"


def test_they_ran_at_once(run: Any) -> None:
    spans = []
    for bundle in run.bundles():
        events = [json.loads(line) for line in (bundle / "events.jsonl").read_text().splitlines()]
        spans.append((datetime.fromisoformat(events[0]["time"]), datetime.fromisoformat(events[-1]["time"])))
    assert len(spans) == 3
    assert max(begin for begin, _ in spans) < min(end for _, end in spans)


def test_nothing_of_the_three_is_left(run: Any) -> None:
    run.assert_nothing_is_left()
