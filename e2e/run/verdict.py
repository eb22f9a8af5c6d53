"""Reads the event log back and gives the verdict: what was demanded is compared with what the log says was observed."""

from collections.abc import Mapping, Sequence
from typing import Any

from e2e.evidence.bundle import Bundle
from e2e.evidence.events import Event, read_events
from e2e.run.order import RunFacts, RunOrder
from e2e.run.result import RunResult, line_of
from e2e.verdict.diagnosis import diagnose
from e2e.verdict.document import ExpectedOutcome, judge, next_command, verdict_document
from e2e.verdict.findings import Findings, LookSeen, read_findings
from e2e.verdict.proofs import Proof, ProofStatus, settle

_PROOF_OF_STATE: dict[str, ProofStatus] = {
    "established": "proven",
    "refuted": "refuted",
    "expired": "missing",
    "blocked": "missing",
    "not_run": "not_run",
    "interrupted": "missing",
    "kept": "kept",
}


def conclude(order: RunOrder, demanded: Mapping[str, Any], facts: RunFacts, bundle: Bundle) -> RunResult:
    """Write ``verdict.json``, seal the bundle and return the result of the run."""
    events = read_events(bundle.folder / "events.jsonl")
    findings = read_findings(events)
    names = list(order.scenario.prove)
    proofs = settle(names, observed_proofs(findings))
    diagnosis = diagnose(findings, names, proofs, require_live=order.policy.require_live)
    expect = order.scenario.expect
    expected = ExpectedOutcome(expect.outcome, expect.cause_class, expect.cause) if expect is not None else None
    idle = _idle_faults(events)
    torn_down = any(proof.name == "torn_down" and proof.status == "proven" for proof in proofs)
    judged = judge(names, proofs, diagnosis, expected, torn_down=torn_down, idle_faults=idle)
    look = findings.last_look
    document = verdict_document(
        judged,
        proofs,
        diagnosis,
        identity={
            **demanded,
            "slug": facts.slug,
            "gate": facts.connection.gate if facts.connection else None,
            "speed": facts.connection.speed if facts.connection else order.policy.speed,
            "commands_sent": facts.commands_sent,
        },
        stages=[_stage(end.document) for end in findings.stages.values()],
        incarnation=_incarnation(look),
        provenance=_provenance(look, events, facts),
        teardown={
            "complete": torn_down,
            "ledger_closed": facts.ledger_closed,
            "leaks": [dict(leak) for leak in findings.leaks],
        },
        expected=expected,
        next_command=next_command(
            judged, scenario_path=str(order.scenario.path), bundle=str(bundle.folder), slug=facts.slug or ""
        ),
    )
    bundle.write_record("verdict.json", document)
    bundle.seal()
    return RunResult(line_of(order, judged), bundle.folder, document)


def observed_proofs(findings: Findings) -> list[Proof]:
    """Return what the log says about each stage as proofs; a stage that is not in the log is not in the list."""
    proofs = []
    for end in findings.stages.values():
        evidence = (*(str(reference) for reference in end.document.get("evidence") or ()), end.reference)
        proofs.append(Proof(end.name, _PROOF_OF_STATE[end.state], evidence, end.saying))
    return proofs


def _idle_faults(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the faults that the twin was asked for and that never acted: a red proof without its fault proves nothing."""
    acted = next((event.data.get("faults_acted") for event in events if event.kind == "twin_ended"), None)
    return tuple(name for name, count in acted.items() if not count) if isinstance(acted, Mapping) else ()


def _stage(data: Mapping[str, Any]) -> dict[str, Any]:
    names = ("stage", "state", "started", "ended", "cap_seconds", "last_observation", "cause")
    return {name: data.get(name) for name in names}


def _incarnation(look: LookSeen | None) -> dict[str, Any] | None:
    return dict(look.concierge["incarnation"]) if look is not None and look.concierge is not None else None


def _provenance(look: LookSeen | None, events: Sequence[Event], facts: RunFacts) -> dict[str, Any]:
    ready = next((event.data for event in events if event.kind == "tenant_ready"), {})
    seen = dict(look.concierge.get("provenance", {})) if look is not None and look.concierge is not None else {}
    launch = look.launch if look is not None else None
    return {
        **seen,
        "buildinfo": ready.get("buildinfo"),
        "mcp_server": launch.get("server_info") if launch else None,
        "twin_image": facts.connection.image if facts.connection else None,
    }
