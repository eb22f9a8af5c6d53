"""Work behind an answered request."""

import threading

from e2e.twin.background import Background


def test_stopping_ends_the_waits_and_starts_nothing_new() -> None:
    background = Background()
    ran = threading.Event()
    ended = threading.Event()

    def work() -> None:
        ran.set()
        background.stopping.wait(10)
        ended.set()

    background.start("work", work)
    assert ran.wait(5)
    assert background.stop()
    assert ended.is_set()
    late = threading.Event()
    background.start("late", late.set)
    assert not late.wait(0.05)


def test_a_thread_that_does_not_end_is_admitted() -> None:
    background, release = Background(), threading.Event()

    def work() -> None:
        release.wait(10)

    background.start("stubborn", work)
    assert not background.stop(0.05)
    release.set()
    assert background.stop()


def test_repeated_work_is_repeated() -> None:
    background, twice = Background(), threading.Event()
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 2:
            twice.set()

    background.every("tick", 0.01, work)
    assert twice.wait(5)
    assert background.stop()
