"""The hold: a first online is not proof, and every way of not staying online is told apart."""

import pytest

from e2e.run.hold import HoldLimits, HoldStep, OnlineHold, Sample

LIMITS = HoldLimits(window=240.0, silence=90.0, settle=180.0)


class Story:
    """Feeds a hold with samples at given seconds and keeps the last step."""

    def __init__(self) -> None:
        self.hold = OnlineHold(LIMITS)
        self.step = HoldStep("nothing yet")

    def at(self, second: float, status: str = "online", *, url: bool = True, beat: str | None = None) -> HoldStep:
        self.step = self.hold.take(Sample(second, status, url, beat))
        return self.step

    def online(self, start: float, end: float, *, every: float = 30.0) -> HoldStep:
        """Be online from ``start`` to ``end`` with a heartbeat every ``every`` seconds, looked at every 5 s."""
        second = start
        while second <= end:
            self.at(second, beat=f"beat-{int(second // every)}")
            second += 5.0
        return self.step


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_first_online_is_not_proof(story: Story) -> None:
    assert story.at(0.0, beat="a").window == "opened"
    assert not story.hold.held
    assert story.hold.is_open


def test_online_is_held_when_window_and_heartbeats_are_both_there(story: Story) -> None:
    step = story.online(0.0, 240.0)
    assert step.window == "held"
    assert story.hold.held


def test_a_window_without_its_last_second_is_not_held(story: Story) -> None:
    story.online(0.0, 235.0)
    assert not story.hold.held


def test_a_window_that_is_over_still_waits_for_the_third_heartbeat(story: Story) -> None:
    step = story.online(0.0, 240.0, every=85.0)
    assert not story.hold.held
    assert step.saying == "online, holding: 2 of 3 heartbeats"
    assert story.online(245.0, 260.0, every=85.0).window is None
    assert story.hold.held


def test_it_is_held_once_and_not_again_with_each_sample(story: Story) -> None:
    story.online(0.0, 240.0)
    assert story.online(245.0, 250.0).window is None


def test_online_without_a_url_opens_no_window(story: Story) -> None:
    assert story.at(0.0, url=False, beat="a") == HoldStep("online, no url")
    assert not story.hold.is_open


def test_leaving_online_restarts_the_window_and_its_heartbeats(story: Story) -> None:
    story.online(0.0, 235.0)
    assert story.at(240.0, "degraded").window == "broken"
    assert story.hold.falls == 1
    assert story.at(245.0, beat="new").window == "opened"
    story.online(250.0, 480.0)
    assert not story.hold.held
    story.online(485.0, 490.0)
    assert story.hold.held


def test_heartbeats_of_a_broken_window_do_not_count_in_the_next(story: Story) -> None:
    story.online(0.0, 235.0)
    story.at(240.0, "degraded")
    story.online(256.0, 500.0, every=85.0)
    assert not story.hold.held
    story.online(505.0, 515.0, every=85.0)
    assert story.hold.held


def test_the_third_fall_is_the_last(story: Story) -> None:
    for number in range(3):
        story.at(number * 10.0, beat=f"{number}")
        story.at(number * 10.0 + 5, "degraded")
    assert story.step.cause == "online-flaps"
    assert story.step.gave_up == "left online 3 times, last to degraded"


def test_two_falls_are_forgiven(story: Story) -> None:
    for number in range(2):
        story.at(number * 10.0, beat=f"{number}")
        story.at(number * 10.0 + 5, "degraded")
    assert story.step.gave_up is None


@pytest.mark.parametrize("beat", ["the same", None])
def test_online_without_new_heartbeats_is_given_up_with_its_cause(story: Story, beat: str | None) -> None:
    for second in range(0, 90, 5):
        assert story.at(float(second), beat=beat).gave_up is None
    step = story.at(90.0, beat=beat)
    assert step.cause == "heartbeat-stopped"
    assert step.gave_up is not None


def test_failed_is_believed_only_when_it_stays(story: Story) -> None:
    story.at(0.0, "provisioning")
    assert story.at(5.0, "failed").saying == "failed, settling"
    assert story.at(184.0, "failed").gave_up is None
    step = story.at(185.0, "failed")
    assert step.gave_up == "failed persisted through the settle window"
    assert step.cause is None


def test_a_failed_that_heals_is_forgotten(story: Story) -> None:
    story.at(0.0, "failed")
    story.at(100.0, "provisioning")
    story.at(150.0, "failed")
    assert story.at(200.0, "failed").gave_up is None


def test_a_fall_to_failed_begins_to_settle_at_once(story: Story) -> None:
    story.at(0.0, beat="a")
    story.at(10.0, "failed")
    assert story.at(189.0, "failed").gave_up is None
    assert story.at(190.0, "failed").gave_up is not None


def test_coming_back_online_ends_the_settling(story: Story) -> None:
    story.at(0.0, "failed")
    story.at(100.0, beat="a")
    story.at(105.0, "degraded")
    assert story.at(200.0, "failed").gave_up is None
