"""What diagnosis may know is read from the event log, and nothing that was not seen is read as absent."""

from collections.abc import Callable
from typing import Any

import pytest

from e2e.verdict.findings import Findings, LookSeen, Refusal, look_seen

REFUSAL = {"position": 8, "time": "2026-06-20T12:00:00Z", "core": "registry_register_400", "reason": "invalid_kind"}
WIRED = {"state": "ok", "entry_present": True, "command": "molecule-mcp", "command_resolves": True}
LOOK = {"number": 1, "trigger": "hold over", "evidence": "evidence/look-1.json"}


def look(number: int = 1, **parts: Any) -> LookSeen:
    return look_seen({**LOOK, "number": number, "evidence": f"evidence/look-{number}.json", **parts})


def test_an_empty_log_finds_nothing(read: Callable[..., Findings]) -> None:
    assert read() == Findings()


def test_unknown_kinds_are_passed_over_but_can_be_pointed_at(read: Callable[..., Findings]) -> None:
    findings = read(("said", {"line": "hello"}), ("said", {"line": "again"}), ("frobnicated", {}))
    assert findings.pointers("said") == ("events.jsonl#seq=1", "events.jsonl#seq=2")
    assert findings.pointers("frobnicated") == ("events.jsonl#seq=3",)
    assert findings.pointers("never") == ()
    assert findings.stages == {}


def test_a_stage_end_is_read_with_where_it_stands(read: Callable[..., Findings], ended: Callable[..., Any]) -> None:
    kind, data = ended("provisioned", "expired", "not there", cause="control-plane-unavailable", evidence=[])
    end = read(("said", {}), (kind, data)).stages["provisioned"]
    assert (end.name, end.state, end.saying) == ("provisioned", "expired", "not there")
    assert (end.cause, end.reference, end.document) == ("control-plane-unavailable", "events.jsonl#seq=2", data)


@pytest.mark.parametrize("red", ["refuted", "expired", "blocked", "not_run", "interrupted"])
@pytest.mark.parametrize("red_first", [True, False])
def test_of_two_ends_of_a_stage_the_red_one_counts(
    red: str, red_first: bool, read: Callable[..., Findings], ended: Callable[..., Any]
) -> None:
    told = [ended("online", red), ended("online", "established")]
    findings = read(*(told if red_first else reversed(told)))
    assert findings.stages["online"].state == red


def test_a_look_that_saw_nothing_has_parts_that_are_none(read: Callable[..., Findings]) -> None:
    (seen,) = read(("look", LOOK)).looks
    assert (seen.settings, seen.presence, seen.registry, seen.launch, seen.concierge) == (None,) * 5
    assert (seen.wired, seen.launchable, seen.refusals) == (None, None, ())


def test_a_log_that_does_not_tell_our_reading_of_presence_is_read_by_its_settings() -> None:
    assert look(settings=WIRED).reads_present is True
    assert look(settings=WIRED | {"entry_present": False}).reads_present is False
    assert look().reads_present is None
    assert look(settings=WIRED | {"entry_present": False}, reads_present=True).reads_present is True
    assert look(settings=WIRED, reads_present=None).reads_present is None


@pytest.mark.parametrize(
    ("settings", "wired", "launchable"),
    [
        (WIRED, True, True),
        (WIRED | {"command_resolves": False}, True, False),
        (WIRED | {"command_resolves": None}, True, None),
        (WIRED | {"command": None, "command_resolves": None}, True, False),
        (WIRED | {"entry_present": False}, False, None),
        ({"state": "absent"}, False, None),
        (None, None, None),
    ],
)
def test_wired_and_launchable_are_three_valued(
    settings: dict[str, Any] | None, wired: bool | None, launchable: bool | None
) -> None:
    seen = look(settings=settings)
    assert (seen.wired, seen.launchable) == (wired, launchable)


def test_refusals_are_read_in_the_order_of_the_log() -> None:
    second = {"position": 9, "core": "heartbeat_denied_mcp"}
    assert look(registry={"refusals": [REFUSAL, second]}).refusals == (
        Refusal(8, "2026-06-20T12:00:00Z", "registry_register_400", "invalid_kind"),
        Refusal(9, None, "heartbeat_denied_mcp", None),
    )


def test_the_last_look_is_the_newest_that_saw_the_concierge(read: Callable[..., Findings]) -> None:
    looks = [
        ("look", LOOK | {"number": 1, "concierge": {}}),
        ("look", LOOK | {"number": 2, "concierge": {}}),
        ("look", LOOK | {"number": 3}),
    ]
    findings = read(*looks)
    assert findings.last_look is not None
    assert findings.last_look.number == 2
    assert read(looks[-1]).last_look is None


def test_the_launch_is_the_newest_that_was_taken_and_not_the_newest_look(read: Callable[..., Findings]) -> None:
    findings = read(
        ("look", LOOK | {"number": 1, "launch": {"asked": True}}),
        ("look", LOOK | {"number": 2, "launch": {"asked": True}}),
        ("look", LOOK | {"number": 3}),
    )
    assert findings.launch_look is not None
    assert findings.launch_look.number == 2
    assert read(("look", LOOK)).launch_look is None


def test_a_failed_look_is_kept_with_its_cause(read: Callable[..., Findings]) -> None:
    findings = read(("look_failed", {"number": 1, "cause": "ssm-throttled", "detail": "too many"}))
    (failure,) = findings.look_failures
    assert (failure.cause, failure.saying, failure.reference) == ("ssm-throttled", "too many", "events.jsonl#seq=1")


def test_standing_refusals_are_those_written_last(read: Callable[..., Findings]) -> None:
    findings = read(("standing", {"refusals": [REFUSAL, REFUSAL]}), ("standing", {"refusals": [REFUSAL]}))
    assert [refusal.reason for refusal in findings.standing] == ["invalid_kind"]


@pytest.mark.parametrize(
    ("told", "published"),
    [
        (("status", {"status": "failed"}), True),
        (("organisation_failed", {}), True),
        (("status", {"status": "degraded"}), False),
    ],
)
def test_what_the_platform_itself_called_failed_is_remembered(
    told: tuple[str, dict[str, Any]], published: bool, read: Callable[..., Findings]
) -> None:
    assert read(told, ("status", {"status": "online"})).published_failure is published


def test_the_rest_is_read_as_it_is_told(read: Callable[..., Findings]) -> None:
    leak = {"cause": "leaked-org", "what": "org x", "command": "look"}
    findings = read(
        ("leak", leak),
        ("row_absent", {"by": "probe"}),
        ("turn", {"kind": "queued"}),
        ("turn", {"kind": "reply"}),
        ("target_unusable", {"error": "no twin"}),
        ("interrupted", {}),
        ("status", {"status": "provisioning"}),
        ("status", {"status": "online"}),
    )
    assert findings.leaks == ({**leak, "reference": "events.jsonl#seq=1"},)
    assert findings.absent_rows == ("probe",)
    assert findings.turn == {"kind": "reply"}
    assert findings.target_error == "no twin"
    assert findings.interrupted
    assert findings.statuses == ("provisioning", "online")


def test_of_two_crashes_the_first_is_told(read: Callable[..., Findings]) -> None:
    findings = read(("harness_crashed", {"error": "first"}), ("harness_crashed", {"error": "second"}))
    assert findings.crash == "first"
    assert len(findings.pointers("harness_crashed")) == 2


@pytest.mark.parametrize("status", ["degraded", "failed", "gone", "paused"])
@pytest.mark.parametrize("fell_before_the_line", [True, False])
def test_a_concierge_that_held_and_is_not_online_at_the_end_did_not_stay_online(
    status: str, fell_before_the_line: bool, read: Callable[..., Findings], ended: Callable[..., Any]
) -> None:
    held, fell = ended("online", evidence=["events.jsonl#seq=1"]), ("status", {"status": status})
    findings = read(("status", {"status": "online"}), *((fell, held) if fell_before_the_line else (held, fell)))
    end = findings.stages["online"]
    assert (end.state, end.saying) == ("refuted", f"it held, and then left online; last seen: {status}")
    assert end.reference == f"events.jsonl#seq={2 if fell_before_the_line else 3}"


def test_a_fall_after_the_hold_that_heals_is_no_failure(
    read: Callable[..., Findings], ended: Callable[..., Any]
) -> None:
    findings = read(ended("online"), ("status", {"status": "degraded"}), ("status", {"status": "online"}))
    assert findings.stages["online"].state == "established"


def test_a_stage_online_that_is_red_already_keeps_its_own_words(
    read: Callable[..., Findings], ended: Callable[..., Any]
) -> None:
    findings = read(ended("online", "expired", "never came"), ("status", {"status": "failed"}))
    assert (findings.stages["online"].state, findings.stages["online"].saying) == ("expired", "never came")
