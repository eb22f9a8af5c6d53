"""Work that goes on behind an answered request."""

import threading
from collections.abc import Callable


class Background:
    """Threads of one server that end with it. ``stopping`` is what their waits look at."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own."""
        threading.Thread(target=work, name=name, daemon=True).start()

    def every(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        """Run ``work`` each ``seconds`` of wall time until the server stops."""

        def repeat() -> None:
            while not self.stopping.wait(seconds):
                work()

        self.start(name, repeat)
