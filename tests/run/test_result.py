"""What an item of a scenario is told about its run."""

from pathlib import Path
from typing import Any

import pytest

from e2e.run.result import RunResult
from e2e.verdict.receipt import RunLine


def result(outcome: str = "proven", expected: dict[str, Any] | None = None, **status: str) -> RunResult:
    line = RunLine("r.x.1", "x", "x.yaml", outcome, None, None, None, 0, None)
    verdict = {
        "outcome": outcome, "class": None, "cause": None, "summary": "what happened", "next": "do this",
        "expected": expected,
        "proofs": [{"name": name, "status": word, "note": "because"} for name, word in status.items()],
    }  # fmt: skip
    return RunResult(line, Path("bundle"), verdict)


@pytest.mark.parametrize("status", ["proven", "kept"])
def test_a_proof_that_is_there_is_no_problem(status: str) -> None:
    assert result(online=status).problem_of("online") is None


@pytest.mark.parametrize("status", ["missing", "refuted", "not_run"])
def test_a_proof_that_is_not_there_is_told_with_note_next_command_and_bundle(status: str) -> None:
    problem = result("unproven", online=status).problem_of("online")
    assert problem is not None
    assert problem.splitlines() == [
        f"online: {status}: because", "unproven: no cause", "  what happened", "  next:   do this", "  bundle: bundle"
    ]  # fmt: skip


def test_a_proof_that_nobody_speaks_of_is_a_problem() -> None:
    assert "nothing observed it" in str(result().problem_of("online"))


@pytest.mark.parametrize(
    ("outcome", "fine"), [("proven", True), ("skipped", True), ("failed", False), ("error", False)]
)
def test_the_verdict_is_an_item_of_its_own(outcome: str, fine: bool) -> None:
    assert (result(outcome).problem_of("verdict") is None) is fine


def test_a_red_proof_compares_each_expectation() -> None:
    expected = {"outcome": "failed", "class": None, "cause": "mcp-not-delivered"}
    red = result("failed", expected)
    assert red.problem_of("outcome") is None
    assert red.problem_of("class") is None
    assert "expected mcp-not-delivered, reported None" in str(red.problem_of("cause"))
