"""Waits: a success condition, a give-up condition, a deadline and the last observation."""

import threading
from typing import Any

import pytest

from e2e.run.waiting import (
    SAY_EVERY,
    Deadline,
    GivenUp,
    Interrupted,
    Interruption,
    Observed,
    Uninterrupted,
    WaitExpired,
    poll_until,
)


def poll(clock: Any, *looks: Observed[str], seconds: float = 100.0, every: float = 5.0, said: Any = None) -> str:
    """Poll the looks one after another, the last one for ever."""
    left = list(looks)
    return poll_until(
        "the thing",
        lambda: left.pop(0) if len(left) > 1 else left[0],
        deadline=Deadline.after(clock, seconds),
        every=every,
        pacing=clock,
        say=(said if said is not None else []).append,
    )


def test_a_wait_ends_with_its_value(clock: Any) -> None:
    began = clock.now
    assert poll(clock, Observed("no"), Observed("no"), Observed("yes", value="here")) == "here"
    assert clock.now - began == 10.0


def test_a_wait_that_cannot_succeed_is_given_up_at_once(clock: Any) -> None:
    began = clock.now
    with pytest.raises(GivenUp, match="it is broken") as given_up:
        poll(clock, Observed("no"), Observed("bad", gave_up="it is broken", cause="online-flaps"))
    assert given_up.value.cause == "online-flaps"
    assert clock.now - began == 5.0


def test_an_expired_wait_looks_once_more_at_its_deadline_and_tells_what_it_saw_last(clock: Any) -> None:
    looks: list[float] = []

    def look() -> Observed[str]:
        looks.append(clock.now)
        return Observed(f"look {len(looks)}", cause="tenant-half-wired")

    deadline = Deadline.after(clock, 12.0)
    with pytest.raises(WaitExpired) as expired:
        poll_until("it", look, deadline=deadline, every=5.0, pacing=clock, say=lambda _: None)
    assert looks[-1] == deadline.at
    assert expired.value.last_observation == "look 4"
    assert expired.value.cause == "tenant-half-wired"
    assert "not within 12.0 s" in str(expired.value)


def test_what_changes_is_said_and_what_lasts_is_said_every_half_minute(clock: Any) -> None:
    said: list[str] = []
    with pytest.raises(WaitExpired):
        poll(clock, Observed("first"), Observed("second"), seconds=100.0, said=said)
    assert said[:2] == ["the thing: first", "the thing: second"]
    assert len(said) == 2 + 95 // SAY_EVERY


def test_an_interruption_ends_a_wait(clock: Any) -> None:
    clock.interrupt_at = clock.now + 20
    with pytest.raises(Interrupted):
        poll(clock, Observed("no"))


def test_a_child_never_outlives_its_parent(clock: Any) -> None:
    parent = Deadline.after(clock, 10.0)
    child = Deadline.after(clock, 60.0, within=parent)
    assert child.at == parent.at
    assert child.budget == 10.0
    clock.pause(30.0)
    assert child.remaining(clock) == 0.0
    assert Deadline.after(clock, 5.0, within=parent).budget == 0.0


def test_a_pause_ends_the_moment_the_run_is_asked_to_stop() -> None:
    interruption = Interruption()
    began = interruption.monotonic()
    threading.Timer(0.05, interruption.request).start()
    with pytest.raises(Interrupted):
        interruption.pause(30.0)
    assert interruption.monotonic() - began < 10.0
    assert interruption.requested
    with pytest.raises(Interrupted):
        interruption.pause(0.0)


def test_without_a_request_a_pause_is_just_a_pause() -> None:
    pacing = Uninterrupted()
    began = pacing.monotonic()
    pacing.pause(0.01)
    pacing.pause(-1.0)
    assert pacing.monotonic() - began >= 0.01
    Interruption().pause(0.0)
