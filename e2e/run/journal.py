"""What a run writes down as it goes: every event into the log, and a line for people where they want to hear it."""

import traceback
from collections.abc import Callable, Mapping
from typing import Protocol

_TRACEBACK = 8000


class EventSink(Protocol):
    """Where events go; the bundle's event log in a real run."""

    def write(self, kind: str, data: Mapping[str, object]) -> int:
        """Write one event and return its sequence number."""


class Journal:
    """Writes events and says lines; both are safe to use from several threads."""

    def __init__(self, events: EventSink, say: Callable[[str], None]) -> None:
        self._events = events
        self._say = say
        self._keeps_going = False
        self.lost: OSError | None = None

    def keep_going(self) -> None:
        """Let no full disk stop what comes now: a teardown is worth more than its account.

        What cannot be written any more is remembered in :attr:`lost`, and then no verdict may be built on the log.
        """
        self._keeps_going = True

    def write(self, kind: str, data: Mapping[str, object]) -> str:
        """Write one event and return the reference by which evidence points at it.

        Raises:
            OSError: it cannot be written, and the teardown has not begun yet.
        """
        try:
            return f"events.jsonl#seq={self._events.write(kind, data)}"
        except OSError as error:
            if not self._keeps_going:
                raise
            self.lost = self.lost or error
            return "events.jsonl#lost"

    def say(self, line: str) -> None:
        """Tell people one line; it is also an event, so that the log reads as a story."""
        self.write("said", {"line": line})
        self._say(line)


def write_crash(journal: Journal, error: BaseException) -> None:
    """Write down that the harness itself failed, with the end of its traceback."""
    what = f"{type(error).__name__}: {error}"
    lines = "".join(traceback.format_exception(error))
    journal.write("harness_crashed", {"error": what, "traceback": lines[-_TRACEBACK:]})
    journal.say(f"the harness crashed: {what}")
