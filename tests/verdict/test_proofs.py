"""What counts as proven: with evidence, with everything it stands on, and nothing else."""

import pytest

from e2e.scenario import PROOF_NAMES
from e2e.verdict.proofs import CAN_BE_KEPT, PREREQUISITES, STAGES, Proof, settle, unmet

EVIDENCE = ("events.jsonl#seq=1",)


def all_proven() -> dict[str, Proof]:
    return {name: Proof(name, "proven", EVIDENCE) for name in STAGES}


def statuses(proofs: tuple[Proof, ...]) -> dict[str, str]:
    return {proof.name: proof.status for proof in proofs}


def test_everything_observed_with_evidence_is_proven() -> None:
    proofs = settle(PROOF_NAMES, all_proven().values())
    assert [proof.name for proof in proofs] == list(STAGES)
    assert set(statuses(proofs).values()) == {"proven"}
    assert unmet(PROOF_NAMES, proofs) == ()


@pytest.mark.parametrize("name", PROOF_NAMES)
def test_a_demanded_proof_that_nothing_observed_is_missing(name: str) -> None:
    proofs = all_proven()
    del proofs[name]
    settled = settle(PROOF_NAMES, proofs.values())
    missing = {proof.name: proof for proof in unmet(PROOF_NAMES, settled)}
    assert (missing[name].status, missing[name].note) == ("missing", "nothing observed it")


@pytest.mark.parametrize("name", STAGES)
def test_a_proof_without_evidence_is_missing(name: str) -> None:
    proofs = all_proven() | {name: Proof(name, "proven")}
    settled = {proof.name: proof for proof in settle(STAGES, proofs.values())}
    assert (settled[name].status, settled[name].note) == ("missing", "it names no evidence")


@pytest.mark.parametrize(("name", "need"), [(name, need) for name, needs in PREREQUISITES.items() for need in needs])
@pytest.mark.parametrize("how", ["absent", "refuted", "kept"])
def test_a_proof_without_what_it_needs_is_missing(name: str, need: str, how: str) -> None:
    proofs = all_proven()
    del proofs[need]
    if how == "refuted":
        proofs[need] = Proof(need, "refuted", EVIDENCE)
    elif how == "kept":
        proofs[need] = Proof(need, "kept", EVIDENCE)
    settled = {proof.name: proof for proof in settle((), proofs.values())}
    assert (settled[name].status, settled[name].note) == ("missing", f"it needs {need}, which is not proven")
    assert settled[name].evidence == EVIDENCE


def test_what_a_proof_needs_is_followed_to_the_very_beginning() -> None:
    proofs = all_proven()
    del proofs["provisioned"]
    assert set(statuses(settle(PROOF_NAMES, proofs.values())).values()) == {"missing", "proven"}
    assert [proof.name for proof in settle(PROOF_NAMES, proofs.values()) if proof.status == "proven"] == ["torn_down"]


def test_the_order_in_which_proofs_are_told_does_not_matter() -> None:
    proofs = list(all_proven().values())
    assert settle(PROOF_NAMES, reversed(proofs)) == settle(PROOF_NAMES, proofs)


def test_every_need_stands_before_what_needs_it() -> None:
    assert set(PREREQUISITES) == set(STAGES)
    for name, needs in PREREQUISITES.items():
        assert all(STAGES.index(need) < STAGES.index(name) for need in needs)


def test_what_nobody_demanded_is_kept_as_a_note_and_does_not_count() -> None:
    observed = [Proof("online", "refuted", EVIDENCE, "fell"), Proof("torn_down", "proven", EVIDENCE)]
    settled = settle(["torn_down"], observed)
    assert statuses(settled) == {"online": "refuted", "torn_down": "proven"}
    assert unmet(["torn_down"], settled) == ()


def test_a_demanded_proof_that_is_no_stage_is_missing_and_not_forgotten() -> None:
    settled = settle(["moon_landed"], all_proven().values())
    assert statuses(settled)["moon_landed"] == "missing"
    assert [proof.name for proof in unmet(["moon_landed"], settled)] == ["moon_landed"]


def test_an_observed_proof_that_is_no_stage_proves_nothing_of_the_stages() -> None:
    settled = settle(["online"], [Proof("moon_landed", "proven", EVIDENCE)])
    assert statuses(settled) == {"online": "missing"}


@pytest.mark.parametrize("name", PROOF_NAMES)
def test_a_demanded_proof_that_is_not_even_in_the_list_is_unmet(name: str) -> None:
    proofs = [proof for proof in all_proven().values() if proof.name != name]
    assert [(proof.name, proof.status) for proof in unmet(PROOF_NAMES, proofs)] == [(name, "missing")]


@pytest.mark.parametrize("status", ["missing", "refuted", "not_run"])
def test_whatever_is_not_proven_is_unmet(status: str) -> None:
    proof = Proof("online", status, EVIDENCE)  # type: ignore[arg-type]
    assert unmet(["online"], [proof]) == (proof,)


@pytest.mark.parametrize("name", STAGES)
def test_only_the_teardown_can_be_kept(name: str) -> None:
    proofs = all_proven() | {name: Proof(name, "kept", EVIDENCE)}
    kept = {proof.name: proof for proof in settle(STAGES, proofs.values())}[name]
    assert (kept.status == "kept") is (name in CAN_BE_KEPT)
    assert (name in {proof.name for proof in unmet(STAGES, settle(STAGES, proofs.values()))}) is (name != "torn_down")
    assert [proof.name for proof in unmet(STAGES, proofs.values())] == ([] if name == "torn_down" else [name])


def test_a_proof_as_a_document_has_a_note_only_where_there_is_one() -> None:
    assert Proof("online", "proven", EVIDENCE).document() == {
        "name": "online",
        "status": "proven",
        "evidence": ["events.jsonl#seq=1"],
    }
    assert Proof("online", "missing", (), "gone").document()["note"] == "gone"
