"""One limit on requests for everything in a process that talks to the same account."""

import threading
import time
from collections.abc import Callable


class Limiter:
    """Lets ``per_second`` requests through on average, and ``burst`` at once after a pause. Safe between threads.

    AWS publishes no rate for Run Command, and what one run takes another lacks: so all runs of a process share one.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a limiter needs a rate above 0 and a burst of at least 1")
        self._gap = 1.0 / per_second
        self._slack = self._gap * (burst - 1)
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._due = monotonic() - self._slack

    def wait(self) -> float:
        """Wait for this request's turn; return how long that took, in wall seconds. Turns are given in order."""
        with self._lock:
            now = self._monotonic()
            turn = max(self._due, now - self._slack)
            self._due = turn + self._gap
        pause = max(0.0, turn - now)
        if pause:
            self._sleep(pause)
        return pause
