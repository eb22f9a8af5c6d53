"""One limit for all runs of a process."""

import threading

import pytest

from e2e.hosts.limiter import Limiter


class Clock:
    """A clock that only a pause moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    clock = Clock()
    limiter = Limiter(10.0, 3, monotonic=clock, sleep=clock.sleep)
    assert [limiter.wait() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert [limiter.wait() for _ in range(4)] == pytest.approx([0.1] * 4)


def test_a_pause_earns_a_burst_and_not_more() -> None:
    clock = Clock()
    limiter = Limiter(10.0, 3, monotonic=clock, sleep=clock.sleep)
    for _ in range(5):
        limiter.wait()
    clock.now += 1_000.0
    assert [limiter.wait() for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.1])


def test_threads_share_one_rate_and_none_is_let_through_twice() -> None:
    pauses: list[float] = []
    limiter = Limiter(1.0, 1, monotonic=lambda: 0.0, sleep=pauses.append)
    threads = [threading.Thread(target=limiter.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pauses) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (1.0, 0)])
def test_a_limit_that_lets_nothing_through_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        Limiter(rate, burst)
