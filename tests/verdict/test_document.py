"""The verdict as pipelines see it: green only with every proof, red proofs met exactly, and the schema fits."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.scenario import PROOF_NAMES
from e2e.verdict.causes import CAUSES
from e2e.verdict.classes import code_of, outcome_of
from e2e.verdict.diagnosis import Diagnosis, Failure, diagnose
from e2e.verdict.document import ExpectedOutcome, Judged, judge, next_command, verdict_document
from e2e.verdict.findings import Findings
from e2e.verdict.proofs import STAGES, Proof

EVIDENCE = ("events.jsonl#seq=1",)
PROVEN = tuple(Proof(name, "proven", EVIDENCE) for name in STAGES)
NOTHING = Diagnosis((), None, ())
FLAPS = Failure("online-flaps", "PRODUCT", 1, ("online",), EVIDENCE, "it fell")
LEAKED = Failure("leaked-org", "LEAK", 4, ("torn_down",), EVIDENCE, "org x")
RED = ExpectedOutcome("failed", "PRODUCT", "online-flaps")
GREEN = ExpectedOutcome("proven", None, None)
IDENTITY: dict[str, Any] = {
    "run_id": "s.fresh-boot.1",
    "session_id": "s",
    "scenario": "fresh-boot",
    "path": "scenarios/fresh_boot.yaml",
    "target": "local",
    "host_access": "aws-ssm",
    "live": False,
    "rehearsal": False,
    "policy": {
        "require_live": False, "target": "local", "live": False, "rehearse": False, "keep": "never", "speed": 100.0,
        "reasons": ["the default"], "missing": [],
    },
    "demanded": list(PROOF_NAMES),
    "contract": "2026-06-20",
    "harness": "0.1.0",
    "hold_seconds": 240.0,
    "slug": None,
    "gate": None,
    "speed": 100.0,
    "commands_sent": None,
}  # fmt: skip


def diagnosis(*failures: Failure) -> Diagnosis:
    return Diagnosis(failures, failures[0], tuple(failure.code for failure in failures))


def document(judged: Judged, found: Diagnosis = NOTHING, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "identity": IDENTITY,
        "stages": [],
        "incarnation": None,
        "provenance": {},
        "teardown": {"complete": True, "ledger_closed": True, "leaks": []},
        "expected": None,
        "next_command": "concierge-e2e run",
    }
    return verdict_document(judged, PROVEN, found, **(given | changes))


def judged_as(found: Diagnosis, expected: ExpectedOutcome | None = None, *, torn_down: bool = True) -> Judged:
    return judge(PROOF_NAMES, PROVEN, found, expected, torn_down=torn_down)


def test_every_proof_and_no_failure_is_proven() -> None:
    judged = judged_as(NOTHING)
    assert (judged.outcome, judged.cause_class, judged.cause, judged.code, judged.codes) == (
        "proven",
        None,
        None,
        0,
        (),
    )
    assert judged.rung == "row_by_agent"
    assert "can call create_workspace" in judged.summary
    assert judged.expectation is None


@pytest.mark.parametrize("name", PROOF_NAMES)
@pytest.mark.parametrize("status", ["missing", "refuted", "not_run"])
def test_one_proof_short_of_all_is_never_proven(name: str, status: str) -> None:
    proofs = tuple(Proof(p.name, status, EVIDENCE) if p.name == name else p for p in PROVEN)  # type: ignore[arg-type]
    found = diagnose(Findings(), PROOF_NAMES, proofs, require_live=False)
    judged = judge(PROOF_NAMES, proofs, found, None, torn_down=name != "torn_down")
    assert (judged.outcome, judged.cause, judged.code) == ("unproven", "proof-missing", 5)


def test_one_failure_beside_every_proof_is_not_proven() -> None:
    judged = judged_as(diagnosis(FLAPS))
    assert (judged.outcome, judged.cause_class, judged.cause, judged.code) == ("failed", "PRODUCT", "online-flaps", 1)
    assert judged.summary == "the concierge left online again and again: it fell"


def test_nothing_demanded_proves_nothing() -> None:
    with pytest.raises(ValueError, match="demanded proof is missing"):
        judge([], PROVEN, NOTHING, None, torn_down=True)


def test_a_missing_proof_without_any_failure_is_a_contradiction_and_not_green() -> None:
    for proofs in ((), PROVEN[1:-1], tuple(Proof(name, "missing") for name in PROOF_NAMES)):
        with pytest.raises(ValueError, match="the diagnosis does not say so"):
            judge(PROOF_NAMES, proofs, NOTHING, None, torn_down=True)


def test_the_codes_of_all_failures_are_listed_and_the_first_row_wins() -> None:
    judged = judged_as(diagnosis(FLAPS, LEAKED))
    assert (judged.codes, judged.code, judged.cause) == ((1, 4), 1, "online-flaps")


def test_a_red_proof_is_met_by_exactly_what_it_expects() -> None:
    judged = judged_as(diagnosis(FLAPS), RED)
    assert (judged.expectation, judged.code) == ("met", 0)
    assert (judged.outcome, judged.cause_class, judged.cause, judged.codes) == (
        "failed",
        "PRODUCT",
        "online-flaps",
        (1,),
    )


@pytest.mark.parametrize(
    "expected",
    [
        ExpectedOutcome("error", "PRODUCT", "online-flaps"),
        ExpectedOutcome("failed", "INFRA", "online-flaps"),
        ExpectedOutcome("failed", "PRODUCT", "heartbeat-stopped"),
    ],
)
def test_a_red_proof_that_is_read_as_anything_else_is_missed(expected: ExpectedOutcome) -> None:
    judged = judged_as(diagnosis(FLAPS), expected)
    assert (judged.expectation, judged.code, judged.outcome) == ("missed", 70, "failed")


def test_a_red_proof_that_is_green_is_missed() -> None:
    judged = judged_as(NOTHING, RED)
    assert (judged.expectation, judged.code, judged.outcome) == ("missed", 70, "proven")


def test_a_red_proof_whose_teardown_is_not_complete_is_missed() -> None:
    judged = judged_as(diagnosis(FLAPS), RED, torn_down=False)
    assert (judged.expectation, judged.code) == ("missed", 70)


def test_a_red_proof_of_a_leak_is_met_by_the_leak_which_is_no_complete_teardown() -> None:
    leak = ExpectedOutcome("error", "LEAK", "leaked-org")
    judged = judged_as(diagnosis(LEAKED), leak, torn_down=False)
    assert (judged.expectation, judged.code) == ("met", 0)
    assert judged_as(diagnosis(FLAPS), leak, torn_down=False).expectation == "missed"


def test_where_proof_is_expected_a_failure_keeps_its_own_code() -> None:
    judged = judged_as(diagnosis(FLAPS), GREEN)
    assert (judged.expectation, judged.code) == ("missed", 1)
    assert (judged_as(NOTHING, GREEN).expectation, judged_as(NOTHING, GREEN).code) == ("met", 0)


def test_a_teardown_that_was_kept_on_request_or_not_demanded_does_not_spoil_expected_proof() -> None:
    judged = judge(["online"], PROVEN, NOTHING, GREEN, torn_down=False)
    assert (judged.expectation, judged.code) == ("met", 0)


@pytest.mark.parametrize("expected", [None, RED, GREEN])
@pytest.mark.parametrize("found", [NOTHING, diagnosis(FLAPS), diagnosis(FLAPS, LEAKED), diagnosis(LEAKED)])
def test_every_verdict_fits_the_schema(
    expected: ExpectedOutcome | None, found: Diagnosis, misfits: Callable[[str, object], list[str]]
) -> None:
    judged = judged_as(found, expected)
    assert misfits("verdict.schema.json", document(judged, found, expected=expected)) == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_a_verdict_of_every_cause_fits_the_schema(cause: Any, misfits: Callable[[str, object], list[str]]) -> None:
    code = 130 if cause.id == "interrupted" else code_of(cause.cause_class)
    found = diagnosis(Failure(cause.id, cause.cause_class, code, (), EVIDENCE, "so it went"))
    judged = judged_as(found)
    assert (judged.outcome, judged.code) == (outcome_of(cause.cause_class), code)
    assert misfits("verdict.schema.json", document(judged, found)) == []
    command = next_command(judged, scenario_path="scenarios/a b.yaml", bundle="runs/it's here", slug="")
    assert "{" not in command
    assert "a b.yaml" not in command or "'scenarios/a b.yaml'" in command


@pytest.mark.parametrize(
    "lie",
    [
        {"outcome": "failed"},
        {"class": "PRODUCT"},
        {"cause": "online-flaps"},
        {"code": 1},
        {"code": 6},
        {"codes": [1]},
        {"expectation": "met"},
        {"expected": {"outcome": "failed", "class": "PRODUCT", "cause": "online-flaps"}},
        {"proofs": [{"name": "online", "status": "proven", "evidence": []}]},
        {"proofs": [{"name": "online", "status": "fine", "evidence": ["events.jsonl#seq=1"]}]},
        {"proofs": [{"name": "online", "status": "missing", "evidence": ["/etc/passwd"]}]},
        {"demanded": []},
        {"verdict_version": 2},
        {"surprise": True},
    ],
    ids=str,
)
def test_a_green_verdict_that_contradicts_itself_does_not_fit_the_schema(
    lie: dict[str, Any], misfits: Callable[[str, object], list[str]]
) -> None:
    assert misfits("verdict.schema.json", document(judged_as(NOTHING)) | lie)


@pytest.mark.parametrize("lie", [{"code": 0}, {"class": "INFRA"}, {"cause": None}, {"candidates": []}], ids=str)
def test_a_red_verdict_that_contradicts_itself_does_not_fit_the_schema(
    lie: dict[str, Any], misfits: Callable[[str, object], list[str]]
) -> None:
    found = diagnosis(FLAPS)
    assert misfits("verdict.schema.json", document(judged_as(found), found) | lie)


def test_each_key_of_a_verdict_is_required(misfits: Callable[[str, object], list[str]]) -> None:
    whole = document(judged_as(NOTHING))
    for key in whole:
        assert misfits("verdict.schema.json", {name: value for name, value in whole.items() if name != key})


def test_an_incarnation_is_told_where_one_was_seen() -> None:
    life = {"instance_id": "i-1"}
    assert document(judged_as(NOTHING), incarnation=life)["incarnation"] == life
    assert document(judged_as(NOTHING))["incarnation"] is None


def test_the_expected_outcome_is_told_beside_the_reported_one() -> None:
    assert document(judged_as(NOTHING, RED), expected=RED)["expected"] == {
        "outcome": "failed",
        "class": "PRODUCT",
        "cause": "online-flaps",
    }


def test_after_green_the_next_command_shows_red_where_there_are_red_proofs(tmp_path: Path) -> None:
    judged, path = judged_as(NOTHING), tmp_path / "it is" / "fresh_boot.yaml"
    assert next_command(judged, scenario_path=str(path), bundle="b", slug="s") == "concierge-e2e faults"
    (path.parent / "faults").mkdir(parents=True)
    command = next_command(judged, scenario_path=str(path), bundle="b", slug="s")
    assert shlex.split(command) == ["concierge-e2e", "run", str(path.parent / "faults"), "--target", "local"]


@pytest.mark.parametrize(
    ("found", "expected", "code"), [(diagnosis(FLAPS), RED, 70), (NOTHING, GREEN, 70), (diagnosis(FLAPS), GREEN, 1)]
)
def test_an_expectation_is_not_met_where_a_fault_of_the_twin_never_acted(
    found: Diagnosis, expected: ExpectedOutcome, code: int
) -> None:
    judged = judge(PROOF_NAMES, PROVEN, found, expected, torn_down=True, idle_faults=["online-flaps"])
    assert (judged.expectation, judged.code) == ("missed", code)
    assert judged.summary.endswith("; these faults never acted: online-flaps")
