"""The watch: what it samples, what it loses, and that its death is never taken for silence."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.clients.errors import Refused
from e2e.run.hold import HoldLimits, OnlineHold
from e2e.run.watch import ConciergeWatch

CONCIERGE = "c0c0c0c0-0000-4000-8000-000000000001"
ROW = rf"GET /workspaces/{CONCIERGE}"


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


@pytest.fixture
def stage(make_stage: Any) -> Any:
    return make_stage()


@pytest.fixture
def watch(stage: Any) -> Any:
    hold = OnlineHold(HoldLimits(window=0.05, silence=5.0, settle=5.0))
    one = ConciergeWatch(
        stage.tenant,
        CONCIERGE,
        hold,
        stage.run.journal,
        pacing=stage.run.pacing,
        every=0.003,
        new_id=iter("abcdef").__next__,
    )
    yield one
    one.stop()


def samples(watch: ConciergeWatch) -> int:
    return watch.known().samples


def test_a_window_begins_with_a_control_refusal_and_is_held(stage: Any, watch: Any, platform: Any) -> None:
    watch.start()
    until(lambda: watch.state().held)
    state = watch.state()
    assert state.opening_control == "a"
    assert platform.controls == ["a"]
    assert [data["state"] for data in stage.data("window")] == ["opened", "held"]
    assert len(watch.heartbeats) >= 3
    assert state.left_provisioning
    assert not state.published_failure


def test_a_window_that_breaks_begins_anew_with_another_control(stage: Any, watch: Any, platform: Any) -> None:
    platform.statuses = ["online", "online", "degraded", "online"]
    watch.start()
    until(lambda: watch.state().held)
    assert watch.state().opening_control == "b"
    assert [data["state"] for data in stage.data("window")] == ["opened", "broken", "opened", "held"]
    assert watch.control_ids == ["a", "b"]


def test_each_change_of_status_is_written_once_with_the_error_that_only_the_list_has(
    stage: Any, watch: Any, platform: Any
) -> None:
    platform.statuses = ["provisioning", "provisioning", "failed"]
    usual = platform._usual

    def with_error(body: Any) -> tuple[int, object]:
        _, rows = usual("GET /workspaces", body)
        return 200, [{**rows[0], "last_sample_error": "boom"}]

    platform.answers["GET /workspaces"] = with_error
    watch.start()
    until(lambda: samples(watch) > 10)
    assert [data["status"] for data in stage.data("status")] == ["provisioning", "failed"]
    assert stage.data("status")[-1]["last_sample_error"] == "boom"
    assert watch.state().published_failure


def test_a_list_that_fails_only_leaves_the_error_out(stage: Any, watch: Any, platform: Any) -> None:
    platform.answers["GET /workspaces"] = lambda _: (500, {})
    watch.start()
    until(lambda: samples(watch) > 2)
    assert stage.data("status")[0]["last_sample_error"] is None


def test_lost_samples_are_told_once_and_so_is_their_end(stage: Any, watch: Any, platform: Any) -> None:
    platform.answers[ROW] = lambda _: (503, {})
    watch.start()
    until(lambda: watch.state().lost_samples > 3)
    assert watch.state().trouble is not None
    del platform.answers[ROW]
    until(lambda: samples(watch) > 2)
    assert watch.state().trouble is None
    assert len(stage.data("samples_lost")) == len(stage.data("samples_again")) == 1


def test_a_row_that_is_gone_is_said_once(stage: Any, watch: Any, platform: Any) -> None:
    platform.answers[ROW] = lambda _: (404, {"error": "workspace not found"})
    watch.start()
    until(lambda: samples(watch) > 5)
    assert watch.state().row is None
    assert [data["status"] for data in stage.data("status")] == ["gone"]


def test_a_refused_token_is_handed_to_whoever_asks_and_what_was_known_stays(
    stage: Any, watch: Any, platform: Any
) -> None:
    watch.start()
    until(lambda: samples(watch) > 2)
    platform.answers[ROW] = lambda _: (401, {})
    until(lambda: bool(stage.data("watch_ended")))
    with pytest.raises(Refused):
        watch.state()
    assert watch.known().opening_control == "a"


def test_a_watch_that_crashed_never_looks_like_a_quiet_one(stage: Any, watch: Any, monkeypatch: Any) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(OnlineHold, "take", crash)
    watch.start()
    until(lambda: bool(stage.data("watch_ended")))
    for ask in (watch.state, watch.known):
        with pytest.raises(ZeroDivisionError):
            ask()


def test_a_control_that_cannot_be_posted_leaves_the_window_without_a_beginning(
    stage: Any, watch: Any, monkeypatch: Any
) -> None:
    from e2e.clients.errors import Unavailable

    def lose(_: object) -> int:
        raise Unavailable("tenant-half-wired", "POST /registry/register")

    monkeypatch.setattr(stage.tenant, "post_control_refusal", lose)
    watch.start()
    until(lambda: watch.state().held)
    assert watch.state().opening_control is None
    assert stage.data("control_lost")[0]["order"] == "opening"


def test_an_interruption_ends_the_watch_without_a_word(stage: Any, watch: Any) -> None:
    watch.start()
    until(lambda: samples(watch) > 1)
    stage.run.pacing.request()
    watch.stop()
    assert watch.state().samples > 1
    assert stage.data("watch_ended") == []


def test_what_gave_up_stays_given_up(watch: Any, platform: Any) -> None:
    platform.statuses = ["online", "degraded", "online", "degraded", "online", "degraded", "online"]
    watch.start()
    until(lambda: samples(watch) > 20)
    assert watch.state().step.cause == "online-flaps"


def test_a_watch_that_never_began_can_be_stopped(watch: Any) -> None:
    watch.stop()
    assert watch.state().samples == 0
