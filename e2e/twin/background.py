"""Work that goes on behind an answered request, and ends with its server."""

import threading
import time
from collections.abc import Callable


class Background:
    """Threads of one server. ``stopping`` is what their waits look at."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own; once the server is stopping nothing is started any more."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            if self.stopping.is_set():
                return
            self._threads = [known for known in self._threads if known.is_alive()]
            self._threads.append(thread)
            thread.start()

    def every(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        """Run ``work`` each ``seconds`` of wall time until the server stops."""

        def repeat() -> None:
            while not self.stopping.wait(seconds):
                work()

        self.start(name, repeat)

    def stop(self, seconds: float = 5.0) -> bool:
        """Tell the threads to end, wait at most ``seconds`` of wall time for all of them, and say whether they did."""
        with self._lock:
            self.stopping.set()
            threads = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)
