"""Runs that never came to a verdict of their own still have one, and it is never a green one by mistake."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from e2e.contract import contracts_folder
from e2e.evidence.bundle import Bundle
from e2e.report.summary import verdict_lines
from e2e.run.unrun import crashed_run, nothing_live_run, skipped_run
from e2e.scenario.model import Expectation

MISSING = ("MOLECULE_ADMIN_TOKEN is not set; set it", "AWS credentials are not found")


def misfits(verdict: Any) -> list[str]:
    schema = json.loads((contracts_folder() / "verdict.schema.json").read_text(encoding="utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(verdict)))]


def test_a_skip_is_loud_and_is_no_proof(make_order: Any) -> None:
    order = make_order(policy={"target": "staging", "live": True, "missing": MISSING})
    result = skipped_run(order)
    assert (result.line.outcome, result.line.code, result.line.cause) == ("skipped", 0, None)
    for missing in MISSING:
        assert missing in result.verdict["summary"]
    assert {proof["status"] for proof in result.verdict["proofs"]} == {"not_run"}
    assert result.verdict["claim"] == "none"
    assert misfits(result.verdict) == []
    assert Bundle.verify(order.folder) == []
    assert "pass" not in "\n".join(verdict_lines(result.verdict, "bundle"))


def test_nothing_live_is_unproven(make_order: Any) -> None:
    result = nothing_live_run(make_order(policy={"require_live": True}))
    assert (result.line.outcome, result.line.cause_class, result.line.code) == ("unproven", "UNKNOWN", 5)
    assert "nothing live was proven" in result.verdict["summary"]
    assert "--rehearse" in result.verdict["next"]
    assert misfits(result.verdict) == []


@pytest.mark.parametrize(("expect", "expectation"), [(None, None), (Expectation("failed", "PRODUCT", "x"), "missed")])
def test_a_crash_is_the_harnesss_and_never_meets_a_red_proof(make_order: Any, expect: Any, expectation: Any) -> None:
    order = make_order(expect=expect)
    order.folder.mkdir(parents=True)
    (order.folder / "evidence").mkdir()
    result = crashed_run(order, ZeroDivisionError("a bug of ours"))
    assert (result.line.cause_class, result.line.code, result.line.expectation) == ("HARNESS", 70, expectation)
    assert result.line.verdict is not None
    assert "a bug of ours" in (order.folder / "evidence" / "crash.txt").read_text()
    assert misfits(result.verdict) == []


def test_a_crash_where_nothing_can_be_written_is_told_all_the_same(make_order: Any) -> None:
    order = make_order()
    order.folder.parent.mkdir(parents=True)
    order.folder.write_text("a file where the folder should be")
    result = crashed_run(order, OSError(28, "No space left on device"))
    assert (result.line.code, result.line.verdict) == (70, None)


def test_a_verdict_that_is_there_is_neither_believed_nor_written_over(make_order: Any) -> None:
    order = make_order()
    order.folder.mkdir(parents=True)
    (order.folder / "verdict.json").write_text("green")
    result = crashed_run(order, ValueError("after the verdict"))
    assert (result.line.code, result.line.verdict) == (70, None)
    assert (order.folder / "verdict.json").read_text() == "green"
