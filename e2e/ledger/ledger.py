"""The ledger of a run: what it is about to create is on the disk before the create call goes out."""

import os
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from e2e.evidence.files import open_append, sync_folder, write_all
from e2e.evidence.lines import json_line, read_lines
from e2e.evidence.masking import Masker
from e2e.ledger.model import LedgerEntry, LedgerState, advance, replay
from e2e.ledger.pointer import LedgerPointer, remove_pointer, write_pointer

LEDGER: Final = "ledger.jsonl"
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class LedgerError(Exception):
    """A step that makes no sense: an unknown entry, a second identity, an absence without proof, a closed ledger."""


class Ledger:
    """Writes a ledger; each step is on the disk when its call returns. Safe to use from several threads."""

    def __init__(
        self, path: Path, state_folder: Path, run_id: str, now: Callable[[], datetime], masker: Masker
    ) -> None:
        """Begin the file at ``path``; use :meth:`open`. Raises FileExistsError if it is there."""
        self.path = path
        self._state_folder = state_folder
        self._run_id = run_id
        self._now = now
        self._masker = masker
        self._lock = threading.Lock()
        self._entries: dict[str, LedgerEntry] = {}
        self._descriptor: int | None = open_append(path, new=True)

    @classmethod
    def open(
        cls,
        bundle_folder: Path,
        *,
        run_id: str,
        session_id: str,
        state_folder: Path,
        owner_pid: int,
        owner_started: float,
        slug: str,
        control_plane_url: str,
        now: Callable[[], datetime],
        masker: Masker | None = None,
    ) -> "Ledger":
        """Begin the ledger of ``run_id`` in its bundle and point to it from ``state_folder``.

        Call it before anything is created.

        ``owner_started`` is the start time of process ``owner_pid`` in seconds since the epoch, as psutil gives it.

        Raises:
            FileExistsError: the bundle has a ledger already.
            ValueError: ``run_id`` is no file name.
            OSError: one of the folders cannot be written; then nothing may be created.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(f"the run id {run_id!r} is no file name: letters, digits, '.', '_' and '-'")
        path = bundle_folder / LEDGER
        ledger = cls(path, state_folder, run_id, now, masker or Masker())
        try:
            pointer = LedgerPointer(
                run_id=run_id,
                session_id=session_id,
                ledger=str(path.resolve()),
                owner_pid=owner_pid,
                owner_started=owner_started,
                slug=slug,
                control_plane_url=control_plane_url,
                opened=ledger._time(),
            )
            ledger._append(
                "opened",
                run_id=run_id,
                session_id=session_id,
                owner_pid=owner_pid,
                owner_started=owner_started,
                slug=slug,
                control_plane_url=control_plane_url,
            )
            sync_folder(bundle_folder)
            write_pointer(state_folder, pointer)
        except BaseException:
            ledger._close_file()
            raise
        return ledger

    def intent(self, kind: str, name: str, **data: object) -> str:
        """Record that ``name`` is about to be created and return the entry's id; then the create call may go out."""
        with self._lock:
            entry = f"{kind}-{len(self._entries) + 1}"
            self._append("intent", entry=entry, kind=kind, name=name, data=data)
            self._entries[entry] = LedgerEntry(entry, kind, name, data=MappingProxyType(dict(data)))
            return entry

    def created(self, entry: str, identity: str) -> None:
        """Record the identity that the create call gave.

        Raises:
            LedgerError: the entry is unknown or already has another identity.
        """
        with self._lock:
            known = self._known(entry)
            if known.identity not in {None, identity}:
                raise LedgerError(f"{entry} is {known.identity}; it cannot also be {identity}")
            self._step(known, "created", identity=identity)

    def gone(self, entry: str, proof: str) -> None:
        """Record that the absence of the resource is proven, and by what.

        Raises:
            LedgerError: the entry is unknown, or ``proof`` says nothing.
        """
        with self._lock:
            known = self._known(entry)
            if not proof.strip():
                raise LedgerError(f"{entry} cannot be gone without a proof")
            self._step(known, "gone", proof=proof)

    def unproven(self, entry: str, reason: str) -> None:
        """Record that the resource may still be there, and why. Raises LedgerError for an unknown entry."""
        with self._lock:
            self._step(self._known(entry), "unproven", reason=reason)

    def mark_kept(self, entry: str, **data: object) -> None:
        """Record that the resource stays on request (``until``: how long). Raises LedgerError for an unknown entry."""
        with self._lock:
            self._step(self._known(entry), "kept", data=data)

    def entries(self) -> tuple[LedgerEntry, ...]:
        """Return the entries in the order of their intents."""
        with self._lock:
            return tuple(self._entries.values())

    def close(self) -> bool:
        """End the ledger; a second call does nothing. Return True if everything is proven gone.

        Only then is the pointer removed: otherwise it stays, and a sweep finds what is left once this process has died.
        """
        with self._lock:
            complete = all(entry.settled for entry in self._entries.values())
            if self._descriptor is None:
                return complete
            self._append("closed" if complete else "left_open")
            self._close_file()
            if complete:
                remove_pointer(self._state_folder, self._run_id)
            return complete

    def _known(self, entry: str) -> LedgerEntry:
        if entry not in self._entries:
            raise LedgerError(f"the ledger has no entry {entry!r}")
        return self._entries[entry]

    def _step(self, entry: LedgerEntry, what: str, **details: object) -> None:
        moved = advance(entry, what, details)
        if moved is None:
            raise LedgerError(f"{entry.id}: {what} with {details} is not a step of a ledger")
        self._append(what, entry=entry.id, **details)
        self._entries[entry.id] = moved

    def _append(self, what: str, **details: object) -> None:
        if self._descriptor is None:
            raise LedgerError(f"the ledger {self.path} is closed")
        write_all(self._descriptor, json_line({"time": self._time(), "what": what, **details}, self._masker))
        os.fsync(self._descriptor)

    def _time(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="microseconds")

    def _close_file(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def read_ledger(path: Path) -> LedgerState:
    """Return what the ledger at ``path`` says; what cannot be read of it is in ``damage``. Raises OSError only.

    A torn last line is a step that was never acknowledged: nobody acted on it, and it is dropped.
    """
    documents: list[Mapping[str, object]] = []
    damage: list[str] = []
    for line in read_lines(path.read_bytes()):
        if line.document is None:
            damage.append(line.problem)
        else:
            documents.append(line.document)
    return replay(documents, damage)
