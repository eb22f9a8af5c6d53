"""One SQLite file for many threads."""

import sqlite3
import threading
from pathlib import Path

import pytest

from e2e.twin.database import Database, timestamp


@pytest.fixture
def database(tmp_path: Path):  # type: ignore[no-untyped-def]
    opened = Database(tmp_path / "x.sqlite", "CREATE TABLE t (n INTEGER)")
    yield opened
    opened.close()


def test_nobody_else_can_read_the_file(database: Database, tmp_path: Path) -> None:
    database.execute("INSERT INTO t VALUES (1)")
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("x.sqlite*")} == {0}


def test_a_transaction_that_breaks_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        database.execute("INSERT INTO t VALUES (1)")
        raise RuntimeError
    assert database.rows("SELECT * FROM t") == []


def test_threads_do_not_lose_each_others_counts(database: Database) -> None:
    database.execute("INSERT INTO t VALUES (0)")

    def count() -> None:
        for _ in range(50):
            with database.transaction():
                row = database.row("SELECT n FROM t")
                database.execute("UPDATE t SET n = ?", (row["n"] if row else 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["n"] for row in database.rows("SELECT n FROM t")] == [200]


def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = Database(tmp_path / "y.sqlite", "CREATE TABLE IF NOT EXISTS t (n INTEGER)")
    first.execute("INSERT INTO t VALUES (5)")
    first.close()
    with sqlite3.connect(tmp_path / "y.sqlite") as other:
        assert other.execute("SELECT n FROM t").fetchone() == (5,)
    other.close()


def test_time_stamps_sort_as_text() -> None:
    assert timestamp() < timestamp()
    assert timestamp().endswith("Z")
