"""Points from the user's state folder to every open ledger, so that a later sweep finds what a crash left."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from e2e.evidence.files import sync_folder, write_atomic

_CLOCK_TOLERANCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class LedgerPointer:
    """An open ledger: where it is and whose. ``owner_started`` is the owner's start time in seconds since the epoch."""

    run_id: str
    session_id: str
    ledger: str
    owner_pid: int
    owner_started: float
    slug: str
    control_plane_url: str
    opened: str


@dataclass(frozen=True, slots=True)
class OpenLedgers:
    """The pointers found in a state folder, and the files there that are none (path and reason)."""

    pointers: tuple[LedgerPointer, ...]
    damaged: Mapping[Path, str]


def state_folder(configured: Path | None) -> Path:
    """Return the folder for what outlives a run: ``configured`` (``E2E_STATE_DIR``), else the user's own."""
    if configured is not None:
        return configured
    from platformdirs import user_state_path

    return user_state_path("concierge-e2e", appauthor=False)


def pointer_path(folder: Path, run_id: str) -> Path:
    """Return where the pointer of ``run_id`` is."""
    return folder / "open" / f"{run_id}.json"


def write_pointer(folder: Path, pointer: LedgerPointer) -> Path:
    """Save ``pointer`` durably and return its path. Raises OSError where the state folder cannot be written."""
    path = pointer_path(folder, pointer.run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    sync_folder(path.parent.parent)
    write_atomic(path, json.dumps(asdict(pointer), indent=1).encode() + b"\n", durable=True)
    return path


def remove_pointer(folder: Path, run_id: str) -> None:
    """Take the pointer of ``run_id`` away; no error if it is not there."""
    path = pointer_path(folder, run_id)
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def open_ledgers(folder: Path) -> OpenLedgers:
    """Return every open ledger that ``folder`` points to."""
    pointers: list[LedgerPointer] = []
    damaged: dict[Path, str] = {}
    for path in sorted((folder / "open").glob("*.json")):
        try:
            document = json.loads(path.read_bytes())
            pointer = LedgerPointer(**document)
            pointers.append(pointer)
        except (OSError, ValueError, TypeError) as error:
            damaged[path] = str(error)
    return OpenLedgers(tuple(pointers), damaged)


def owner_alive(pointer: LedgerPointer) -> bool:
    """True if the process that opened the ledger still runs; its process id in the hands of another does not count."""
    import psutil

    try:
        started = psutil.Process(pointer.owner_pid).create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return abs(started - pointer.owner_started) <= _CLOCK_TOLERANCE_SECONDS
