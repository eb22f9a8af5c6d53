"""Files are whole or old, never half."""

import os
from pathlib import Path

import pytest

from e2e.evidence.files import open_append, sync_append, write_all, write_atomic


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, b"old", durable=durable)
    write_atomic(path, b"new and longer", durable=durable)
    assert path.read_bytes() == b"new and longer"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match=r"a\.json"):
        write_atomic(tmp_path / "a.json", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_lines_are_appended_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sync_append(path, b"one")
    sync_append(path, b"two")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_new_log_is_not_mixed_with_an_old_one(tmp_path: Path) -> None:
    sync_append(tmp_path / "log", b"one")
    with pytest.raises(FileExistsError):
        open_append(tmp_path / "log", new=True)


def test_a_large_write_is_written_to_the_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    data = os.urandom(60_000)
    try:
        write_all(writing, data)
        assert os.read(reading, 100_000) == data
    finally:
        os.close(reading)
        os.close(writing)
