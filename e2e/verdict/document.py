"""The verdict of one run as a document: outcome, class, cause, proofs and what they stand on."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.verdict.causes import cause_named
from e2e.verdict.classes import HARNESS_FAILED, OK, Outcome, first_code, outcome_of
from e2e.verdict.diagnosis import Diagnosis
from e2e.verdict.ladder import CLAIMS, claim_rung
from e2e.verdict.proofs import Proof, unmet

VERDICT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ExpectedOutcome:
    """What a red proof must be reported as."""

    outcome: str
    cause_class: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict without its surroundings: what pipelines branch on."""

    outcome: Outcome
    cause_class: str | None
    cause: str | None
    codes: tuple[int, ...]
    code: int
    expectation: str | None
    rung: str
    summary: str


def judge(
    demanded: Sequence[str],
    proofs: Sequence[Proof],
    diagnosis: Diagnosis,
    expected: ExpectedOutcome | None,
    *,
    torn_down: bool,
    idle_faults: Sequence[str] = (),
) -> Judged:
    """Compare the proofs demanded with those observed and give the verdict.

    ``proven`` needs every demanded proof and no failure at all. A red proof is met only by exactly the expected
    outcome, class and cause, by a complete teardown, and if every fault of its twin has acted; a missed one is a
    harness fault. Where ``proven`` is what was expected, a failure keeps its own code: it is not the harness's.
    """
    rung = claim_rung({proof.name for proof in proofs if proof.status == "proven"})
    first = diagnosis.first
    if first is None and not unmet(demanded, proofs) and demanded:
        outcome: Outcome = "proven"
        cause_class = cause = None
        codes: tuple[int, ...] = ()
        summary = CLAIMS[rung]
    elif first is None:
        raise ValueError("a demanded proof is missing and the diagnosis does not say so")
    else:
        outcome, cause_class, cause = outcome_of(first.cause_class), first.cause_class, first.cause
        codes = diagnosis.codes
        summary = f"{cause_named(first.cause).meaning}: {first.saying}"
    expectation = None
    code = first_code(codes)
    if expected is not None:
        green = expected.outcome == "proven"
        # A leak is what such a red proof is about: it cannot be torn down as well.
        torn_down = torn_down or green or expected.cause_class == "LEAK"
        met = (outcome, cause_class, cause) == (expected.outcome, expected.cause_class, expected.cause)
        met = met and torn_down and not idle_faults
        expectation = "met" if met else "missed"
        if idle_faults:
            summary += f"; these faults never acted: {', '.join(idle_faults)}"
        if not green or first is None:
            code = OK if met else HARNESS_FAILED
    return Judged(outcome, cause_class, cause, codes, code, expectation, rung, summary)


def verdict_document(
    judged: Judged,
    proofs: Sequence[Proof],
    diagnosis: Diagnosis,
    *,
    identity: Mapping[str, Any],
    stages: Sequence[Mapping[str, Any]],
    incarnation: Mapping[str, Any] | None,
    provenance: Mapping[str, Any],
    teardown: Mapping[str, Any],
    expected: ExpectedOutcome | None,
    next_command: str,
) -> dict[str, Any]:
    """Return ``verdict.json``; its schema is ``contracts/verdict.schema.json``."""
    document: dict[str, Any] = {
        "verdict_version": VERDICT_VERSION,
        **identity,
        "outcome": judged.outcome,
        "class": judged.cause_class,
        "cause": judged.cause,
        "code": judged.code,
        "codes": list(judged.codes),
        "candidates": [failure.document() for failure in diagnosis.failures],
        "summary": judged.summary,
        "next": next_command,
        "claim": judged.rung,
        "stages": [dict(stage) for stage in stages],
        "proofs": [proof.document() for proof in proofs],
        "incarnation": dict(incarnation) if incarnation is not None else None,
        "provenance": dict(provenance),
        "teardown": dict(teardown),
        "expectation": judged.expectation,
        "expected": None,
    }
    if expected is not None:
        document["expected"] = {
            "outcome": expected.outcome,
            "class": expected.cause_class,
            "cause": expected.cause,
        }
    return document


def next_command(judged: Judged, *, scenario_path: str, bundle: str, slug: str) -> str:
    """Return the command to run next; it names only commands that exist."""
    if judged.cause is None:
        faults = Path(scenario_path).parent / "faults"
        return (
            f"concierge-e2e run {shlex.quote(str(faults))} --target local"
            if faults.is_dir()
            else "concierge-e2e faults"
        )
    step = cause_named(judged.cause).next_step
    return step.format(scenario=shlex.quote(scenario_path), bundle=shlex.quote(bundle), slug=shlex.quote(slug))
