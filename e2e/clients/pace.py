"""Keeps a number of requests per second, shared by every thread and run that asks the same door."""

import threading
import time
from collections.abc import Callable

LIVE_REQUESTS_PER_SECOND = 2.0
"""How often a live control plane may be asked: it is shared with people."""


class RequestPace:
    """Spaces requests evenly. The first one goes at once; times are wall seconds."""

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1.0 / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait until one more request may go out."""
        with self._lock:
            now = self._monotonic()
            at = max(self._next, now)
            self._next = at + self._gap
        if at > now:
            self._sleep(at - now)
