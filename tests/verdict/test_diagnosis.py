"""Every red stage is explained or said to be unexplained; of several failures one decides, all stay listed."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from e2e.scenario import PROOF_NAMES
from e2e.verdict.causes import CAUSES
from e2e.verdict.diagnosis import Diagnosis, diagnose
from e2e.verdict.findings import Findings
from e2e.verdict.proofs import PREREQUISITES, STAGES, Proof

Read = Callable[..., Findings]
Ended = Callable[..., tuple[str, dict[str, Any]]]

INTENT = ("create_intent", {"kind": "organisation"})
CRASH = ("harness_crashed", {"error": "KeyError: 'x'"})
LEAK = ("leak", {"cause": "leaked-org", "what": "org x is still listed", "command": "look"})
STOPPED = ("interrupted", {"detail": "asked to stop"})
EVIDENCE = ("events.jsonl#seq=1",)
GONE = (Proof("torn_down", "proven", EVIDENCE),)
"""Proofs of a run that was torn down; the others are missing, which only counts where no failure explains it."""

CODES = {
    "PRODUCT": ("online", "online-flaps", 1),
    "INFRA": ("hosts_reachable", "ssm-throttled", 3),
    "DEP_DOWN": ("agent_acted", "llm-unavailable", 3),
    "QUOTA": ("provisioned", "capacity-exhausted", 3),
    "CONFIG": ("tenant_ready", "tenant-unauthorized", 2),
    "HARNESS": ("settings_wired", "probe-crashed", 70),
}
"""For each class a stage that goes red for a cause of this class, and the code."""


def of(findings: Findings, *, proofs: tuple[Proof, ...] = GONE, require_live: bool = False) -> Diagnosis:
    return diagnose(findings, PROOF_NAMES, proofs, require_live=require_live)


def told(diagnosis: Diagnosis) -> list[tuple[str, int]]:
    return [(failure.cause, failure.code) for failure in diagnosis.failures]


def test_nothing_red_and_nothing_missing_is_no_failure(read: Read, ended: Ended) -> None:
    proofs = tuple(Proof(name, "proven", EVIDENCE) for name in STAGES)
    assert of(read(*(ended(stage) for stage in STAGES)), proofs=proofs) == Diagnosis((), None, ())


@pytest.mark.parametrize("cause_class", CODES)
def test_a_stage_that_names_its_cause_is_explained_by_it(cause_class: str, read: Read, ended: Ended) -> None:
    stage, cause, code = CODES[cause_class]
    diagnosis = of(read(ended(stage, "blocked", "because", cause=cause)))
    (failure,) = diagnosis.failures
    assert (failure.cause, failure.cause_class, failure.code) == (cause, cause_class, code)
    assert (failure.stages, failure.evidence, failure.saying) == ((stage,), EVIDENCE, "because")
    assert diagnosis.first is failure
    assert diagnosis.codes == (code,)


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(CODES, 2)))
def test_of_two_failures_the_one_whose_code_wins_decides_and_both_are_listed(
    one: str, other: str, read: Read, ended: Ended
) -> None:
    order = [1, 70, 4, 3, 2, 5, 130]
    rows = [CODES[one], CODES[other]]
    diagnosis = of(read(*(ended(stage, "blocked", cause=cause) for stage, cause, _ in rows)))
    assert told(diagnosis) == [(cause, code) for _, cause, code in rows]
    winner = min(rows, key=lambda row: order.index(row[2]))
    assert diagnosis.first is not None
    assert (diagnosis.first.cause, diagnosis.first.code) == winner[1:]
    assert diagnosis.codes == tuple(dict.fromkeys(code for _, _, code in rows))


def test_of_two_failures_with_one_code_the_first_in_time_decides(read: Read, ended: Ended) -> None:
    events = [
        ended("online", "refuted", cause="online-flaps"),
        ended("agent_acted", "refuted", cause="created-wrong-kind"),
    ]
    assert [of(read(*order)).first for order in (events, events[::-1])] == [
        of(read(*events)).failures[0],
        of(read(*events[::-1])).failures[0],
    ]
    first = of(read(*events)).first
    assert first is not None
    assert first.cause == "online-flaps"


def test_stages_that_are_red_for_one_reason_are_one_failure(read: Read, ended: Ended) -> None:
    events = (
        ended("online", "refuted", "first words", cause="online-flaps"),
        ended("agent_acted", "refuted", "second words", cause="online-flaps"),
    )
    (failure,) = of(read(*events)).failures
    assert (failure.stages, failure.saying) == (("online", "agent_acted"), "first words")
    assert failure.evidence == ("events.jsonl#seq=1", "events.jsonl#seq=2")


@pytest.mark.parametrize(("state", "cause"), [("expired", "proof-missing"), ("refuted", "no-rule-matched")])
def test_a_red_stage_that_nothing_explains_says_so(state: str, cause: str, read: Read, ended: Ended) -> None:
    assert told(of(read(ended("online", state)))) == [(cause, 5)]


def test_a_cause_that_is_none_of_ours_explains_nothing(read: Read, ended: Ended) -> None:
    assert told(of(read(ended("online", "refuted", cause="bad-luck")))) == [("no-rule-matched", 5)]


@pytest.mark.parametrize("cause", [None, "proof-missing", "no-rule-matched"])
@pytest.mark.parametrize("published", [("status", {"status": "failed"}), ("organisation_failed", {})])
def test_unknown_is_a_product_failure_where_the_platform_itself_published_one(
    cause: str | None, published: tuple[str, dict[str, Any]], read: Read, ended: Ended
) -> None:
    diagnosis = of(read(published, ended("online", "refuted", cause=cause)))
    assert diagnosis.first is not None
    assert (diagnosis.first.cause_class, diagnosis.first.code) == ("UNKNOWN", 1)
    assert told(of(read(published), proofs=())) == [("proof-missing", 1)]


@pytest.mark.parametrize("state", ["not_run", "interrupted", "kept", "established"])
def test_a_stage_that_did_not_go_red_is_no_failure_of_its_own(state: str, read: Read, ended: Ended) -> None:
    assert told(of(read(ended("online", state)), proofs=())) == [("proof-missing", 5)]


def test_a_missing_proof_that_no_failure_explains_is_named(read: Read) -> None:
    proofs = (Proof("online", "missing", EVIDENCE, "nobody looked"), Proof("torn_down", "not_run"))
    diagnosis = diagnose(read(), ["online", "torn_down"], proofs, require_live=False)
    (failure,) = diagnosis.failures
    assert (failure.cause, failure.code, failure.stages) == ("proof-missing", 5, ("online", "torn_down"))
    assert failure.saying == "online: nobody looked; torn_down: not_run"
    assert failure.evidence == EVIDENCE


def test_only_what_is_demanded_and_what_that_needs_can_fail(read: Read, ended: Ended) -> None:
    for stage in set(STAGES) - {"torn_down"}:
        findings = read(ended(stage, "refuted", cause="online-flaps"))
        needed = {"settings_wired", "hosts_reachable", "concierge_found", "tenant_ready", "provisioned"}
        causes = [cause for cause, _ in told(diagnose(findings, ["settings_wired"], (), require_live=False))]
        assert causes == (["online-flaps"] if stage in needed else ["proof-missing"])
    assert PREREQUISITES["settings_wired"] == ("hosts_reachable",)


def test_a_crash_is_a_harness_failure_and_does_not_hide_a_product_failure(read: Read, ended: Ended) -> None:
    assert told(of(read(CRASH))) == [("harness-crashed", 70)]
    assert of(read(("said", {}), CRASH)).failures[0].evidence == ("events.jsonl#seq=2",)
    diagnosis = of(read(ended("online", "refuted", cause="online-flaps"), CRASH))
    assert told(diagnosis) == [("online-flaps", 1), ("harness-crashed", 70)]
    assert diagnosis.codes == (1, 70)


def test_a_crash_that_the_log_cannot_point_at_points_at_the_log() -> None:
    (failure,) = of(Findings(crash="the event log cannot be relied on")).failures
    assert (failure.cause, failure.evidence) == ("harness-crashed", ("events.jsonl",))


def test_a_target_that_cannot_be_used_is_a_harness_failure(read: Read) -> None:
    (failure,) = of(read(("target_unusable", {"error": "the twin ended"})), proofs=()).failures
    assert (failure.cause, failure.evidence, failure.saying) == ("harness-crashed", EVIDENCE, "the twin ended")


def test_a_platform_that_moved_is_never_green_and_never_hides_a_product_failure(read: Read, ended: Ended) -> None:
    event = ("platform_moved", {"detail": "/buildinfo said a, and now says b"})
    proofs = tuple(Proof(name, "proven", EVIDENCE) for name in STAGES)
    (failure,) = of(read(*(ended(stage) for stage in STAGES), event), proofs=proofs).failures
    assert (failure.cause, failure.code, failure.saying) == ("platform-moved", 3, event[1]["detail"])
    assert told(of(read(event, ended("online", "refuted", cause="online-flaps")))) == [("platform-moved", 3)]
    for stage, cause in (("workspace_created", "created-wrong-kind"), ("online", "concierge-removed")):
        assert (cause, 1) in told(of(read(event, ended(stage, "refuted", cause=cause))))


def test_a_leak_is_listed_beside_a_product_failure_and_never_hides_it(read: Read, ended: Ended) -> None:
    refuted = ended("torn_down", "refuted", "leaked-org: org x")
    diagnosis = of(read(INTENT, ended("online", "refuted", cause="online-flaps"), LEAK, refuted), proofs=())
    assert told(diagnosis) == [("online-flaps", 1), ("leaked-org", 4)]
    assert diagnosis.first is diagnosis.failures[0]
    assert diagnosis.codes == (1, 4)


def test_a_leak_alone_decides_even_where_no_teardown_is_demanded(read: Read) -> None:
    diagnosis = diagnose(read(INTENT, LEAK), ["online"], (Proof("online", "proven", EVIDENCE),), require_live=False)
    assert told(diagnosis) == [("leaked-org", 4)]
    assert diagnosis.first is not None
    assert (diagnosis.first.stages, diagnosis.first.evidence) == (("torn_down",), ("events.jsonl#seq=2",))


@pytest.mark.parametrize(
    ("torn_down", "saying"),
    [
        ((), "something was to be created, and no teardown was seen"),
        ((Proof("torn_down", "missing", EVIDENCE, "it names no evidence"),), "it names no evidence"),
        ((Proof("torn_down", "refuted", (), "it crashed"),), "it crashed"),
        ((Proof("torn_down", "not_run", (), "no time"),), "no time"),
    ],
)
def test_a_teardown_that_is_not_proven_is_a_leak_once_something_was_to_be_created(
    torn_down: tuple[Proof, ...], saying: str, read: Read
) -> None:
    (failure,) = of(read(("said", {}), INTENT), proofs=torn_down).failures
    assert (failure.cause, failure.cause_class, failure.code) == ("absence-unprovable", "LEAK", 4)
    own = torn_down[0].evidence if torn_down else ()
    assert (failure.saying, failure.evidence) == (saying, own or ("events.jsonl#seq=2",))
    assert told(of(read(), proofs=torn_down)) == [("proof-missing", 5)]


@pytest.mark.parametrize("status", ["proven", "kept"])
def test_what_was_torn_down_or_kept_on_request_is_no_leak(status: str, read: Read) -> None:
    proof = Proof("torn_down", status, EVIDENCE)  # type: ignore[arg-type]
    assert diagnose(read(INTENT), ["torn_down"], (proof,), require_live=False).failures == ()


@pytest.mark.parametrize(("require_live", "code"), [(False, 130), (True, 5)])
def test_an_interruption_has_its_own_code_and_is_unproven_under_require_live(
    require_live: bool, code: int, read: Read, ended: Ended
) -> None:
    diagnosis = of(read(ended("online", "interrupted"), STOPPED), require_live=require_live)
    assert told(diagnosis) == [("interrupted", code)]
    assert diagnosis.first is not None
    assert diagnosis.first.cause_class == "UNKNOWN"


def test_an_interruption_after_a_failure_does_not_hide_it(read: Read, ended: Ended) -> None:
    diagnosis = of(read(ended("online", "refuted", cause="online-flaps"), STOPPED))
    assert told(diagnosis) == [("online-flaps", 1), ("interrupted", 130)]
    assert diagnosis.codes == (1, 130)


def test_an_interruption_does_not_turn_into_a_product_failure_by_what_the_platform_published(read: Read) -> None:
    assert told(of(read(("status", {"status": "failed"}), STOPPED))) == [("interrupted", 130)]


LOST = ("look_failed", {"number": 2, "cause": "ssm-throttled", "detail": "too many requests"})


@pytest.mark.parametrize("stage", ["settings_wired", "presence_reported", "registered", "tool_listed"])
def test_a_stage_that_no_look_saw_is_explained_by_the_look_that_failed(stage: str, read: Read, ended: Ended) -> None:
    (failure,) = of(read(LOST, ended(stage, "expired", "no look saw it", evidence=[]))).failures
    assert (failure.cause, failure.cause_class, failure.code) == ("ssm-throttled", "INFRA", 3)
    assert failure.evidence == ("events.jsonl#seq=1", "events.jsonl#seq=2")


@pytest.mark.parametrize(
    ("stage", "state", "evidence", "cause"),
    [
        ("presence_reported", "expired", ["evidence/look-1.json#presence"], "ssm-throttled"),
        ("settings_wired", "refuted", [], "ssm-throttled"),
        ("online", "expired", [], "ssm-throttled"),
        ("settings_wired", "expired", [], "no-such-cause"),
    ],
)
def test_a_failed_look_does_not_explain_what_was_seen_or_does_not_hang_on_it(
    stage: str, state: str, evidence: list[str], cause: str, read: Read, ended: Ended
) -> None:
    lost = ("look_failed", {"number": 2, "cause": cause, "detail": "?"})
    (failure,) = of(read(lost, ended(stage, state, evidence=evidence))).failures
    assert failure.cause_class == "UNKNOWN"


def test_a_look_that_failed_for_no_known_reason_is_the_products_where_the_platform_published_a_failure(
    read: Read, ended: Ended
) -> None:
    lost = ("look_failed", {"number": 2, "cause": "proof-missing", "detail": "no host"})
    events = (lost, ended("tool_listed", "expired", evidence=[]))
    assert told(of(read(*events))) == [("proof-missing", 5)]
    assert told(of(read(("status", {"status": "failed"}), *events))) == [("proof-missing", 1)]


def test_of_several_failed_looks_the_newest_that_is_known_explains(read: Read, ended: Ended) -> None:
    older = ("look_failed", {"number": 1, "cause": "ssm-agent-offline", "detail": "old"})
    stranger = ("look_failed", {"number": 3, "cause": "gremlins", "detail": "?"})
    (failure,) = of(read(older, LOST, stranger, ended("tool_listed", "expired", evidence=[]))).failures
    assert (failure.cause, failure.saying) == ("ssm-throttled", "too many requests")


def test_failures_that_differ_in_code_alone_merge_to_the_one_that_wins(read: Read, ended: Ended) -> None:
    events = (
        ended("provisioned", "expired"),
        ended("tenant_ready", "refuted", cause="provisioning-timeout"),
    )
    (failure,) = of(read(*events)).failures
    assert (failure.cause, failure.code, failure.stages) == (
        "provisioning-timeout",
        3,
        ("provisioned", "tenant_ready"),
    )


@pytest.mark.parametrize("cause", [cause for cause in CAUSES if cause.id != "interrupted"], ids=lambda cause: cause.id)
def test_every_cause_that_a_stage_can_name_is_reported_under_its_own_class(
    cause: Any, read: Read, ended: Ended
) -> None:
    (failure,) = of(read(ended("online", "blocked", cause=cause.id))).failures
    assert (failure.cause, failure.cause_class) == (cause.id, cause.cause_class)


def test_a_failure_as_a_document_tells_everything(read: Read, ended: Ended) -> None:
    (failure,) = of(read(ended("online", "refuted", "it fell", cause="online-flaps"))).failures
    assert failure.document() == {
        "cause": "online-flaps",
        "class": "PRODUCT",
        "code": 1,
        "stages": ["online"],
        "evidence": ["events.jsonl#seq=1"],
        "summary": "it fell",
    }
