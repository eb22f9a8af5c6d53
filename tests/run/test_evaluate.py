"""What the looks saw becomes stages; a refusal stands by its place in the log, never by the laptop's clock."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.hosts.errors import OutputCorrupt
from e2e.run.evaluate import Window, judge_looks, platform_times, standing_after_failure
from e2e.run.stages import StageBook
from e2e.verdict.findings import LookSeen, Refusal, look_seen

MISSING = "platform_agent_mcp_server_missing"
IMAGE = {"kind": "manifest", "digest": "sha256:1"}
HELD = Window(True, "open", "close", ())
FALLEN = Window(False, None, "close", ())


def look(**parts: Any) -> LookSeen:
    sound: dict[str, Any] = {
        "number": 1, "trigger": "hold over", "evidence": "evidence/look-1.json",
        "presence": "true", "launch": None,
        "concierge": {"incarnation": {"container_id": "c"}, "provenance": {"image": IMAGE}},
        "settings": {"state": "ok", "entry_present": True, "command": "molecule-mcp", "command_resolves": True},
        "registry": registry(),
    }  # fmt: skip
    return look_seen({**sound, **parts})


def registry(*refused: int, opened: int = 1, closed: int = 9, **changes: Any) -> dict[str, Any]:
    return {
        "container": "r", "readable": True, "lines": 9, "left_out": 0,
        "controls": [
            {"id": "open", "position": opened, "time": "2026-06-19T10:00:01.000000000Z"},
            {"id": "close", "position": closed, "time": "2026-06-19T10:00:59.000000000Z"},
        ],
        "refusals": [
            {"position": at, "time": f"2026-06-19T10:00:{at:02d}.5Z", "core": "x", "reason": MISSING} for at in refused
        ],
        **changes,
    }  # fmt: skip


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(booted=False, pacing=clock)


@pytest.fixture
def judge(stage: Any) -> Any:
    """Judges looks in one window and returns how each stage ended."""

    def judge_them(*looks: LookSeen, window: Window = HELD, trouble: Any = None, reachable: bool = True) -> Any:
        book = StageBook(stage.run.journal, stage.run.pacing)
        if reachable:
            book.record("hosts_reachable", "established", "there", evidence=("x",))
        judge_looks(stage.run, book, SimpleNamespace(seen=lambda: looks, trouble=trouble), window)  # type: ignore[arg-type]
        return {record.name: record for record in book.records()}

    return judge_them


def states(ends: Any) -> dict[str, str]:
    return {name: record.state for name, record in ends.items() if name != "hosts_reachable"}


def test_a_sound_look_establishes_everything_that_hangs_on_it(judge: Any) -> None:
    ends = judge(look())
    assert set(states(ends).values()) == {"established"}
    assert ends["settings_wired"].evidence == ("evidence/look-1.json#settings",)


def test_without_hosts_none_of_them_is_run(judge: Any) -> None:
    assert set(states(judge(reachable=False)).values()) == {"not_run"}


def test_what_no_look_saw_is_missing_and_not_refuted(judge: Any) -> None:
    assert set(states(judge()).values()) == {"expired"}
    ends = states(judge(look(settings=None, presence=None, registry=None)))
    assert (ends["settings_wired"], ends["presence_reported"]) == ("expired", "expired")


def test_where_no_host_has_the_workspace_server_the_log_is_unreadable(judge: Any) -> None:
    registered = judge(look(number=1, registry=None), look(number=2, registry=None))["registered"]
    assert (registered.state, registered.cause) == ("blocked", "log-unreadable")
    assert registered.evidence == ("evidence/look-1.json",)


def test_where_a_host_could_not_be_looked_into_its_log_is_only_unseen(judge: Any) -> None:
    registered = judge(look(registry=None), trouble=OutputCorrupt("half of it"))["registered"]
    assert (registered.state, registered.cause) == ("expired", None)


def test_where_every_look_failed_their_trouble_is_the_cause(judge: Any) -> None:
    ends = judge(trouble=OutputCorrupt("half of it"))
    assert ends["settings_wired"].cause == ends["presence_reported"].cause == "ssm-output-corrupt"
    assert ends["settings_wired"].state == "blocked"


@pytest.mark.parametrize(
    ("settings", "state", "saying"),
    [
        ({"command_resolves": False}, "refuted", "is not there where the agent runs"),
        ({"command_resolves": None}, "expired", "no look saw whether"),
        ({"entry_present": False}, "refuted", "does not wire"),
        ({"entry_present": False, "state": "malformed"}, "refuted", "the settings file is malformed"),
    ],
)
def test_settings_fail_in_different_ways(judge: Any, settings: dict[str, Any], state: str, saying: str) -> None:
    sound = {"state": "ok", "entry_present": True, "command": "molecule-mcp", "command_resolves": True}
    end = judge(look(settings={**sound, **settings}))["settings_wired"]
    assert end.state == state
    assert saying in end.last_observation


@pytest.mark.parametrize(
    ("presence", "state"),
    [("true", "established"), ("false", "refuted"), ("absent", "expired"), ("unreadable", "expired")],
)
def test_the_four_answers_of_presence_are_four_different_things(judge: Any, presence: str, state: str) -> None:
    assert judge(look(presence=presence))["presence_reported"].state == state


def test_presence_that_contradicts_our_own_reading_is_refuted(judge: Any) -> None:
    end = judge(look(settings={"state": "ok", "entry_present": False}))["presence_reported"]
    assert end.state == "refuted"
    assert "our reading" in end.last_observation


def test_the_newest_look_that_saw_the_concierge_counts(judge: Any) -> None:
    old, blind = look(presence="false"), look(concierge=None, settings=None, presence=None)
    assert judge(old, look(), blind)["presence_reported"].state == "established"


@pytest.mark.parametrize(("at", "state"), [(5, "refuted"), (1, "established"), (9, "established"), (0, "established")])
def test_a_refusal_stands_only_between_the_two_controls(judge: Any, at: int, state: str) -> None:
    assert judge(look(registry=registry(at)))["registered"].state == state


def test_a_standing_refusal_names_its_reason_and_is_written_down(judge: Any, stage: Any) -> None:
    end = judge(look(registry=registry(4, 5)))["registered"]
    assert end.last_observation == f"2 refusals stand: {MISSING}"
    assert [row["position"] for row in stage.data("standing")[0]["refusals"]] == [4, 5]


@pytest.mark.parametrize(
    "changes",
    [{"readable": False}, {"controls": []}, {"controls": [{"id": "open", "position": 1, "time": None}]}],
)
def test_a_log_that_does_not_show_our_controls_proves_nothing(judge: Any, changes: dict[str, Any]) -> None:
    end = judge(look(registry=registry(**changes)))["registered"]
    assert (end.state, end.cause) == ("blocked", "log-unreadable")


def test_controls_out_of_order_prove_nothing(judge: Any) -> None:
    end = judge(look(registry=registry(opened=9, closed=1)))["registered"]
    assert (end.state, end.cause) == ("blocked", "log-unreadable")


def test_controls_that_were_never_posted_prove_nothing(judge: Any) -> None:
    assert judge(look(), window=Window(True, None, "close", ()))["registered"].state == "blocked"
    assert judge(look(), window=Window(False, None, None, ()))["registered"].state == "blocked"


def test_lines_that_were_left_out_may_hold_a_refusal(judge: Any) -> None:
    assert judge(look(registry=registry(left_out=3)))["registered"].state == "expired"


def test_looks_into_different_lives_do_not_add_up(judge: Any) -> None:
    other = look(concierge={"incarnation": {"container_id": "d"}})
    assert "different lives of the concierge" in judge(look(), other)["registered"].last_observation
    restarted = look(registry=registry(container="another"))
    assert "different lives of the registry" in judge(look(), restarted)["registered"].last_observation


def test_where_nothing_held_a_clean_log_is_no_proof(judge: Any) -> None:
    assert judge(look(), window=FALLEN)["registered"].state == "not_run"


def test_where_nothing_held_refusals_before_the_closing_control_stand(judge: Any) -> None:
    assert judge(look(registry=registry(4, 5)), window=FALLEN)["registered"].state == "refuted"
    assert judge(look(registry=registry(10)), window=FALLEN)["registered"].state == "not_run"


def refusal(second: float, position: int = 1) -> Refusal:
    return Refusal(position, f"2026-06-19T10:00:{second:09.6f}000Z", "x", MISSING)


def beats(*seconds: int) -> tuple[datetime, ...]:
    return tuple(datetime(2026, 6, 19, 10, 0, second, tzinfo=UTC) for second in seconds)


POSTED = "2026-06-19T10:00:50.000000000Z"


@pytest.mark.parametrize(
    ("refused", "heartbeats", "stands"),
    [
        ([11.0, 21.0, 31.0], (10, 20, 30), True),
        ([21.0, 31.0], (10, 20, 30), True),
        ([31.0, 31.5], (10, 20, 30), False),
        ([5.0, 6.0], (10, 20, 30), False),
        ([11.0, 21.0], (10, 20, 30, 40), False),
        ([31.0, 41.0], (10, 20, 30, 40), True),
        ([31.0, 55.0], (10, 20, 30, 52), False),
        ([11.0], (10,), True),
        ([11.0], (), True),
        ([], (), False),
    ],
)
def test_two_of_the_last_three_heartbeats_before_the_control_must_be_refused(
    refused: list[float], heartbeats: tuple[int, ...], stands: bool
) -> None:
    refusals = [refusal(second) for second in refused]
    assert bool(standing_after_failure(refusals, beats(*heartbeats), 9, POSTED)) is stands


def test_refusals_behind_the_control_never_stand() -> None:
    assert standing_after_failure([refusal(11.0, position=9)], (), 9, POSTED) == ()
    assert standing_after_failure([refusal(11.0, position=9)], (), None, None) != ()


def test_a_refusal_without_a_readable_time_belongs_to_no_heartbeat() -> None:
    odd = [Refusal(1, None, "x", MISSING), Refusal(2, "yesterday", "x", MISSING), Refusal(3, "10:00.5x", "x", MISSING)]
    assert standing_after_failure(odd, beats(10), 9, POSTED) == ()


def test_times_that_cannot_be_read_are_left_out() -> None:
    assert platform_times(["2026-06-19T10:00:10+00:00", "soon", ""]) == beats(10)
