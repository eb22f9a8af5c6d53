"""From findings to failures with causes: every red stage is explained, or said to be unexplained."""

from collections.abc import Sequence
from dataclasses import dataclass

from e2e.verdict.causes import cause_named, is_cause
from e2e.verdict.classes import INTERRUPTED, UNPROVEN, CauseClass, code_of, first_code
from e2e.verdict.findings import Findings, StageEnd
from e2e.verdict.proofs import PREREQUISITES, Proof, unmet
from e2e.verdict.rules import RULES

_RED_STATES = ("refuted", "expired", "blocked")
_LOOKED_AT = frozenset({"settings_wired", "presence_reported", "registered", "tool_listed"})
"""Stages that hang on a look: where none saw them, the look that failed says why."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong: its cause and class, its code, the stages it explains, and the evidence."""

    cause: str
    cause_class: CauseClass
    code: int
    stages: tuple[str, ...]
    evidence: tuple[str, ...]
    saying: str

    def document(self) -> dict[str, object]:
        """Return the failure as it stands in the verdict."""
        return {
            "cause": self.cause,
            "class": self.cause_class,
            "code": self.code,
            "stages": list(self.stages),
            "evidence": list(self.evidence),
            "summary": self.saying,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All failures in the order in which they happened, the one that decides, and the codes of all."""

    failures: tuple[Failure, ...]
    first: Failure | None
    codes: tuple[int, ...]


def diagnose(findings: Findings, demanded: Sequence[str], proofs: Sequence[Proof], *, require_live: bool) -> Diagnosis:
    """Explain what happened from findings alone.

    The failure that decides is the first one among those whose code wins, so that class, cause and exit code always
    tell the same story; a leak or a cloud failure beside a product failure stays listed.
    """
    failures = _merged(_failures(findings, demanded, proofs, require_live=require_live))
    if not failures:
        failures = _unexplained(findings, demanded, proofs)
    codes = tuple(dict.fromkeys(failure.code for failure in failures))
    winning = first_code(codes)
    first = next((failure for failure in failures if failure.code == winning), None)
    return Diagnosis(tuple(failures), first, codes)


def _failures(
    findings: Findings, demanded: Sequence[str], proofs: Sequence[Proof], *, require_live: bool
) -> list[Failure]:
    failures: list[Failure] = []
    if findings.target_error is not None:
        evidence = findings.pointers("target_unusable")
        failures.append(_failure(findings, "harness-crashed", (), evidence, findings.target_error))
    concerned = _concerned(demanded)
    failures += [
        _explain(findings, end)
        for end in findings.stages.values()
        if end.state in _RED_STATES and end.name in concerned and end.name != "torn_down"
    ]
    if findings.crash is not None:
        evidence = findings.pointers("harness_crashed") or ("events.jsonl",)
        failures.append(_failure(findings, "harness-crashed", (), evidence, findings.crash))
    if findings.moved is not None:
        failures.append(_failure(findings, "platform-moved", (), findings.pointers("platform_moved"), findings.moved))
    failures += _leaks(findings, proofs)
    if findings.interrupted:
        code = UNPROVEN if require_live else INTERRUPTED
        saying = "the run was asked to stop"
        failures.append(Failure("interrupted", "UNKNOWN", code, (), findings.pointers("interrupted"), saying))
    return failures


def _leaks(findings: Findings, proofs: Sequence[Proof]) -> list[Failure]:
    """Return what is left over; a teardown that is not proven is a leak even where none was seen."""
    leaks = [
        _failure(findings, str(leak["cause"]), ("torn_down",), (str(leak["reference"]),), str(leak["what"]))
        for leak in findings.leaks
    ]
    intents = findings.pointers("create_intent")
    torn_down = next((proof for proof in proofs if proof.name == "torn_down"), None)
    if leaks or not intents or (torn_down is not None and torn_down.status in ("proven", "kept")):
        return leaks
    evidence = torn_down.evidence if torn_down is not None else ()
    saying = torn_down.note if torn_down is not None else "something was to be created, and no teardown was seen"
    return [_failure(findings, "absence-unprovable", ("torn_down",), evidence or intents, saying)]


def _concerned(demanded: Sequence[str]) -> set[str]:
    """Return the demanded stages with everything they need."""
    concerned: set[str] = set()
    waiting = list(demanded)
    while waiting:
        name = waiting.pop()
        if name not in concerned:
            concerned.add(name)
            waiting += PREREQUISITES.get(name, ())
    return concerned


def _explain(findings: Findings, end: StageEnd) -> Failure:
    for rule in RULES:
        if end.name in rule.explains:
            evidence = rule.match(findings)
            if evidence is not None:
                return _failure(findings, rule.cause, (end.name,), (*evidence, end.reference), end.saying)
    if end.cause is not None and is_cause(end.cause):
        return _failure(findings, end.cause, (end.name,), (end.reference,), end.saying)
    if end.name in _LOOKED_AT and end.state == "expired" and not end.document.get("evidence"):
        for failure in reversed(findings.look_failures):
            if is_cause(failure.cause):
                references = (failure.reference, end.reference)
                return _failure(findings, failure.cause, (end.name,), references, failure.saying)
    code = code_of("UNKNOWN", platform_published_failure=findings.published_failure)
    cause = "proof-missing" if end.state == "expired" else "no-rule-matched"
    return Failure(cause, "UNKNOWN", code, (end.name,), (end.reference,), end.saying)


def _failure(
    findings: Findings, cause: str, stages: tuple[str, ...], evidence: tuple[str, ...], saying: str
) -> Failure:
    cause_class = cause_named(cause).cause_class
    code = code_of(cause_class, platform_published_failure=findings.published_failure)
    return Failure(cause, cause_class, code, stages, evidence, saying)


def _merged(failures: Sequence[Failure]) -> list[Failure]:
    """Merge failures of one cause: several stages went red for the same reason."""
    merged: dict[str, Failure] = {}
    for failure in failures:
        known = merged.get(failure.cause)
        if known is None:
            merged[failure.cause] = failure
            continue
        merged[failure.cause] = Failure(
            known.cause,
            known.cause_class,
            first_code((known.code, failure.code)),
            tuple(dict.fromkeys(known.stages + failure.stages)),
            tuple(dict.fromkeys(known.evidence + failure.evidence)),
            known.saying,
        )
    return list(merged.values())


def _unexplained(findings: Findings, demanded: Sequence[str], proofs: Sequence[Proof]) -> list[Failure]:
    missing = unmet(demanded, proofs)
    if not missing:
        return []
    names = tuple(proof.name for proof in missing)
    evidence = tuple(reference for proof in missing for reference in proof.evidence)
    code = code_of("UNKNOWN", platform_published_failure=findings.published_failure)
    saying = "; ".join(f"{proof.name}: {proof.note or proof.status}" for proof in missing)
    return [Failure("proof-missing", "UNKNOWN", code, names, evidence, saying)]
