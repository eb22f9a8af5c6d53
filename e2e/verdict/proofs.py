"""Proofs: named facts that a stage established, each pointing at its evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ProofStatus = Literal["proven", "missing", "refuted", "not_run", "kept"]

STAGES: tuple[str, ...] = (
    "provisioned",
    "tenant_ready",
    "concierge_found",
    "online",
    "hosts_reachable",
    "image_running",
    "settings_wired",
    "presence_reported",
    "registered",
    "tool_listed",
    "workspace_created",
    "agent_acted",
    "torn_down",
)
"""Every stage, in the order in which they are told."""

PREREQUISITES: dict[str, tuple[str, ...]] = {
    "provisioned": (),
    "tenant_ready": ("provisioned",),
    "concierge_found": ("tenant_ready",),
    "online": ("concierge_found",),
    "hosts_reachable": ("concierge_found",),
    "image_running": ("hosts_reachable",),
    "settings_wired": ("hosts_reachable",),
    "presence_reported": ("hosts_reachable",),
    "registered": ("hosts_reachable",),
    "tool_listed": ("hosts_reachable",),
    "workspace_created": ("tool_listed",),
    "agent_acted": ("online",),
    "torn_down": (),
}
"""What must be established before a stage can be: these and nothing else."""

CAN_BE_KEPT = frozenset({"torn_down"})
"""The proofs that may be left out on request (``--keep``)."""

UNOBSERVED = "nothing observed it"


@dataclass(frozen=True, slots=True)
class Proof:
    """One demanded or noted fact with its status and the evidence it stands on."""

    name: str
    status: ProofStatus
    evidence: tuple[str, ...] = ()
    note: str = ""

    def document(self) -> dict[str, object]:
        """Return the proof as it stands in ``verdict.json``."""
        document: dict[str, object] = {"name": self.name, "status": self.status, "evidence": list(self.evidence)}
        if self.note:
            document["note"] = self.note
        return document


def settle(demanded: Sequence[str], observed: Iterable[Proof]) -> tuple[Proof, ...]:
    """Compare the proofs demanded with those observed: one entry for each, in the order of the stages.

    A demanded proof that nothing observed is ``missing``; so is one that claims to be proven without evidence, or
    while what it needs is not proven, and one that claims to be kept where there is nothing to keep. Proofs that nobody
    demanded are kept as notes.
    """
    by_name: dict[str, Proof] = {}
    for proof in sorted(observed, key=lambda proof: STAGES.index(proof.name) if proof.name in STAGES else len(STAGES)):
        by_name[proof.name] = _believed(proof, by_name)
    names = [name for name in STAGES if name in by_name or name in demanded]
    names += [name for name in demanded if name not in STAGES]
    return tuple(by_name.get(name, Proof(name, "missing", (), UNOBSERVED)) for name in names)


def _believed(proof: Proof, known: Mapping[str, Proof]) -> Proof:
    """Return the proof if it can be what it claims, else say what keeps it from that."""
    if proof.status == "kept" and proof.name not in CAN_BE_KEPT:
        return Proof(proof.name, "missing", proof.evidence, "it cannot be kept on request")
    if proof.status != "proven":
        return proof
    if not proof.evidence:
        return Proof(proof.name, "missing", (), "it names no evidence")
    for need in PREREQUISITES.get(proof.name, ()):
        if need not in known or known[need].status != "proven":
            return Proof(proof.name, "missing", proof.evidence, f"it needs {need}, which is not proven")
    return proof


def unmet(demanded: Sequence[str], proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """Return the demanded proofs that are not proven; one kept on request is neither missing nor proven.

    A demanded proof that is not among ``proofs`` at all is missing.
    """
    by_name = {proof.name: proof for proof in proofs}
    wanted = (by_name.get(name, Proof(name, "missing", (), UNOBSERVED)) for name in demanded)
    return tuple(
        proof
        for proof in wanted
        if proof.status != "proven" and not (proof.status == "kept" and proof.name in CAN_BE_KEPT)
    )
