"""Signals that ask a session to stop are taken over for a while, and given back."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from e2e.run.stopping import STOPPING, StopSignals


@pytest.fixture
def taken() -> Iterator[list[int]]:
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield []
    for number, handler in before.items():
        signal.signal(number, handler)


def test_each_signal_is_handed_over_and_nothing_is_raised(taken: list[int]) -> None:
    signals = StopSignals(taken.append)
    signals.hold()
    for number in STOPPING:
        os.kill(os.getpid(), number)
    signals.release()
    assert taken == list(STOPPING)


def test_signals_go_back_to_whoever_had_them(taken: list[int]) -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    signals = StopSignals(taken.append)
    signals.hold()
    signals.hold()
    assert [signal.getsignal(number) for number in STOPPING] != before
    signals.release()
    assert [signal.getsignal(number) for number in STOPPING] == before


def test_a_signal_that_is_to_be_ignored_stays_ignored(taken: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals = StopSignals(taken.append)
    signals.hold()
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGTERM)
    signals.release()
    assert taken == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_taken_over(taken: list[int]) -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    signals = StopSignals(taken.append)
    thread = threading.Thread(target=signals.hold)
    thread.start()
    thread.join()
    assert [signal.getsignal(number) for number in STOPPING] == before
