"""Requests are spaced, whoever sends them."""

import pytest

from e2e.clients.pace import RequestPace


class Clock:
    """A clock whose sleeps cost nothing."""

    def __init__(self) -> None:
        self.now = 50.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_two_requests_a_second_are_half_a_second_apart() -> None:
    clock = Clock()
    pace = RequestPace(2.0, monotonic=lambda: clock.now, sleep=clock.sleep)
    for _ in range(4):
        pace.wait()
    assert clock.slept == [pytest.approx(0.5)] * 3


def test_a_request_after_a_pause_goes_at_once_and_saves_nothing_up() -> None:
    clock = Clock()
    pace = RequestPace(2.0, monotonic=lambda: clock.now, sleep=clock.sleep)
    pace.wait()
    clock.now += 60.0
    pace.wait()
    assert clock.slept == []
    pace.wait()
    assert clock.slept == [pytest.approx(0.5)]
