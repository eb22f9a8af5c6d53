"""The signals that ask a session to stop, and how they are taken over for a while."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, an orderly kill, a terminal that was closed."""


class StopSignals:
    """Calls ``take`` with each signal that asks this process to stop, from :meth:`hold` until :meth:`release`.

    Nothing is raised anywhere: a teardown under way goes on. Signals belong to the main thread; elsewhere nothing is
    taken over. A signal that whoever started us wants ignored (``nohup``) stays ignored.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self._previous: dict[signal.Signals, Any] = {}

    def hold(self) -> None:
        """Take the signals over; a second call does nothing."""
        if not self._previous and threading.current_thread() is threading.main_thread():
            heard = [number for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN]
            self._previous = {number: signal.signal(number, self._handle) for number in heard}

    def release(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._take(number)
