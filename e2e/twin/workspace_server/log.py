"""The registry log: lines on standard output in the form of Go's ``log`` package (docs/platform.md, registry)."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO


class RegistryLog:
    """Writes ``YYYY/MM/DD HH:MM:SS <line>``, one line at a time, flushed at once. The time is UTC."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Write one line."""
        stamped = f"{self._now():%Y/%m/%d %H:%M:%S} {line}\n"
        with self._lock:
            self._stream.write(stamped)
            self._stream.flush()


def quoted(text: str) -> str:
    """Return ``text`` as Go's ``%q`` prints it."""
    return json.dumps(text, ensure_ascii=False)


def go_duration(seconds: float) -> str:
    """Return a duration as Go prints it, to the microsecond: ``412µs``, ``1.5ms``, ``2.25s``."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}µs"
    if seconds < 1:
        return f"{round(seconds * 1e3, 3):g}ms"
    return f"{round(seconds, 3):g}s"
