"""One SQLite file, used by many threads of one process."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = sqlite3.Row


class Database:
    """A SQLite file behind one lock. Statements outside :meth:`transaction` commit at once.

    Durability against a power cut is not wanted (the file goes with the sandbox), so nothing is synced.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._lock = threading.RLock()
        # The file holds tokens, and agents are other users of the same machine.
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;")
        self._connection.executescript(schema)

    def execute(self, statement: str, *values: Any) -> int:
        """Run one statement and return how many rows it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def row(self, statement: str, *values: Any) -> Row | None:
        """Return the first row, or None."""
        with self._lock:
            found: Row | None = self._connection.execute(statement, values).fetchone()
            return found

    def rows(self, statement: str, *values: Any) -> list[Row]:
        """Return all rows."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep other threads out; commit at the end, roll back when an exception passes."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def timestamp(moment: datetime | None = None) -> str:
    """Return a time as the platform prints it: UTC, RFC 3339, six digits, ``Z``. Sorts as text."""
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
