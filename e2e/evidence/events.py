"""The event log of a run: append-only, on its way to the disk event by event, readable after a ``kill -9``."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from e2e.evidence.files import open_append, write_all
from e2e.evidence.lines import json_line, read_lines
from e2e.evidence.masking import Masker


class EventLogError(Exception):
    """The event log is damaged in a way that no crash explains; what it says cannot be relied on."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``seq`` counts from 1, ``time`` is UTC, ``data`` is plain JSON data, already masked."""

    seq: int
    time: datetime
    run_id: str
    kind: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EventLogDamage:
    """A part of the log that could not be read; ``torn``: the last line of a writer that died. All else is worse."""

    line: int
    reason: str
    torn: bool = False


@dataclass(frozen=True, slots=True)
class EventLogContents:
    """What an event log says, and what of it could not be read."""

    events: tuple[Event, ...]
    damage: tuple[EventLogDamage, ...]


class EventLog:
    """Writes events; safe to use from several threads.

    Each event is handed to the operating system in one piece before :meth:`write` returns, so it outlives the process.
    """

    def __init__(self, path: Path, run_id: str, *, now: Callable[[], datetime], masker: Masker) -> None:
        """Begin the log at ``path``.

        Raises:
            FileExistsError: there is one already; a log belongs to one run and one writer.
        """
        self.path = path
        self._run_id = run_id
        self._now = now
        self._masker = masker
        self._lock = threading.Lock()
        self._seq = 0
        self._descriptor: int | None = open_append(path, new=True)

    def write(self, kind: str, data: Mapping[str, object]) -> int:
        """Append one event and return its number.

        Raises:
            TypeError, ValueError: ``data`` is not JSON; nothing is written and no number is used.
            EventLogError: the log is closed.
        """
        with self._lock:
            if self._descriptor is None:
                raise EventLogError(f"the event log {self.path} is closed")
            time = self._now().astimezone(UTC).isoformat(timespec="microseconds")
            seq = self._seq + 1
            line = json_line(
                {"seq": seq, "time": time, "run_id": self._run_id, "kind": kind, "data": data}, self._masker
            )
            write_all(self._descriptor, line)
            self._seq = seq
            return seq

    def close(self) -> None:
        """End the log; a second call does nothing."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_event_log(path: Path) -> EventLogContents:
    """Read the log at ``path`` as far as it goes. Raises OSError only."""
    events: list[Event] = []
    damage: list[EventLogDamage] = []
    for line in read_lines(path.read_bytes()):
        if line.document is None:
            damage.append(EventLogDamage(line.number, line.problem, torn=line.torn))
            continue
        event = _event(line.document)
        if isinstance(event, str):
            damage.append(EventLogDamage(line.number, f"line {line.number}: {event}"))
            continue
        expected = events[-1].seq + 1 if events else 1
        if event.seq != expected:
            damage.append(
                EventLogDamage(line.number, f"line {line.number}: event {event.seq} where {expected} belongs")
            )
        if events and event.run_id != events[0].run_id:
            damage.append(EventLogDamage(line.number, f"line {line.number}: it belongs to the run {event.run_id}"))
        events.append(event)
    return EventLogContents(tuple(events), tuple(damage))


def read_events(path: Path) -> list[Event]:
    """Return the events at ``path``; a torn last line, as a crash leaves it, is dropped.

    Raises:
        EventLogError: anything else is damaged or missing.
        OSError: the file cannot be read.
    """
    contents = read_event_log(path)
    worse = [damage.reason for damage in contents.damage if not damage.torn]
    if worse:
        raise EventLogError(f"{path}: " + "; ".join(worse))
    return list(contents.events)


def _event(document: Mapping[str, object]) -> Event | str:
    """Return the event in ``document``, or what is wrong with it."""
    match document:
        case {"seq": int(seq), "time": str(time), "run_id": str(run_id), "kind": str(kind), "data": dict(data)}:
            if len(document) != 5 or isinstance(seq, bool):
                return "not an event"
            try:
                return Event(seq, datetime.fromisoformat(time), run_id, kind, data)
            except ValueError:
                return f"bad time {time!r}"
        case _:
            return "not an event"
