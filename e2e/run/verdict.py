"""Reads the event log back and gives the verdict: what was demanded is compared with what the log says was observed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from e2e.evidence.bundle import Bundle
from e2e.evidence.events import Event, read_event_log
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

_PLACE_OF_PART = {"registry_log": ("registry",), "image": ("concierge", "provenance", "image")}
"""Where the event of a look has a part of the look's file, unless it is under the part's own name."""


def conclude(order: RunOrder, demanded: Mapping[str, Any], facts: RunFacts, bundle: Bundle) -> RunResult:
    """Write ``verdict.json``, seal the bundle and return the result of the run.

    A log that is damaged, or is not the one of this run, is a crash of the harness; what it says is not believed.
    """
    contents = read_event_log(bundle.folder / "events.jsonl")
    events = contents.events
    findings = read_findings(events)
    damage = [damage.reason for damage in contents.damage if not damage.torn] + _not_ours(events, demanded)
    if damage and findings.crash is None:
        findings = replace(findings, crash=f"the event log cannot be relied on: {'; '.join(damage)}")
    names = list(order.scenario.demanded)
    observed = observed_proofs(findings, lambda reference: _is_there(reference, events, bundle.folder))
    proofs = settle(names, [_by_the_ledger(proof, facts) for proof in observed])
    diagnosis = diagnose(findings, names, proofs, require_live=order.policy.require_live)
    expect = order.scenario.expect
    expected = ExpectedOutcome(expect.outcome, expect.cause_class, expect.cause) if expect is not None else None
    idle = _idle_faults(order, events)
    torn_down = next((proof.status for proof in proofs if proof.name == "torn_down"), "missing")
    judged = judge(names, proofs, diagnosis, expected, torn_down=torn_down in ("proven", "kept"), idle_faults=idle)
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
            "complete": torn_down == "proven",
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


def observed_proofs(findings: Findings, is_there: Callable[[str], bool]) -> list[Proof]:
    """Return what the log says about each stage as proofs; a stage that is not in the log is not in the list.

    An established stage must name evidence of its own, beside the line that says so, and ``is_there`` must find it.
    """
    proofs = []
    for end in findings.stages.values():
        named = tuple(str(reference) for reference in end.document.get("evidence") or ())
        lost = [reference for reference in named if not is_there(reference)]
        status = _PROOF_OF_STATE[end.state]
        if status == "proven" and lost:
            proofs.append(Proof(end.name, "missing", (end.reference,), f"its evidence is not there: {lost[0]}"))
        elif status == "proven" and not named:
            proofs.append(Proof(end.name, "proven", (), end.saying))
        else:
            proofs.append(Proof(end.name, status, (*named, end.reference), end.saying))
    return proofs


def _by_the_ledger(proof: Proof, facts: RunFacts) -> Proof:
    """Return the proof as the ledger leaves it: nothing is torn down while something that was created is open in it."""
    if proof.name != "torn_down" or proof.status != "proven" or facts.ledger_closed is not False:
        return proof
    return replace(proof, status="missing", note="the ledger still has open entries")


def _not_ours(events: Sequence[Event], demanded: Mapping[str, Any]) -> list[str]:
    """Say what keeps the log from being the one of this run: its first event tells what was demanded."""
    if not events or events[0].kind != "demanded":
        return ["its first event does not say what was demanded"]
    told = events[0].data.get("run_id"), events[0].data.get("demanded")
    return [] if told == (demanded["run_id"], demanded["demanded"]) else ["it is the log of another run"]


def _is_there(reference: str, events: Sequence[Event], folder: Path) -> bool:
    """Whether evidence can be found: an event that is more than talk; a file, and in it the part that a look saw."""
    name, _, part = reference.partition("#")
    if name == "events.jsonl":
        return any(part == f"seq={event.seq}" and event.kind != "said" for event in events)
    if not (folder / name).is_file():
        return False
    looks = [event.data for event in events if event.kind == "look" and event.data.get("evidence") == name]
    return not part or any(_part_of(look, part) is not None for look in looks)


def _part_of(look: Mapping[str, Any], part: str) -> Any:
    found: Any = look
    for key in _PLACE_OF_PART.get(part, (part,)):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _idle_faults(order: RunOrder, events: Sequence[Event]) -> tuple[str, ...]:
    """Return the faults of a private twin that are not known to have acted: a red proof without its fault is none."""
    told = next((event.data.get("faults_acted") for event in events if event.kind == "twin_ended"), None)
    acted = told if isinstance(told, Mapping) else {}
    asked = [fault.name for fault in order.scenario.twin.faults] if order.scenario.twin is not None else []
    return tuple(name for name in dict.fromkeys((*asked, *acted)) if not acted.get(name))


def _stage(data: Mapping[str, Any]) -> dict[str, Any]:
    names = ("stage", "state", "started", "ended", "cap_seconds", "last_observation", "cause")
    return {name: data.get(name) for name in names}


def _incarnation(look: LookSeen | None) -> dict[str, Any] | None:
    seen = look.concierge["incarnation"] if look is not None and look.concierge is not None else None
    return dict(seen) if seen else None


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
