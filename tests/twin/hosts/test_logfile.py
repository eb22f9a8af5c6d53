"""The log of a container."""

from pathlib import Path

from e2e.twin.hosts.logfile import LogFile


def _texts(path: Path) -> list[tuple[str, bytes]]:
    return [(line.split(b" ", 2)[1].decode(), line.split(b" ", 2)[2]) for line in path.read_bytes().splitlines()]


def test_lines_are_stamped_with_their_stream_and_pieces_are_joined(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.feed("o", b"one\ntw")
    log.feed("e", b"oops\n")
    log.feed("o", b"o\n\n")
    assert _texts(tmp_path / "log") == [("o", b"one"), ("e", b"oops"), ("o", b"two"), ("o", b"")]


def test_a_line_that_was_not_ended_is_kept_when_its_stream_ends(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.feed("o", b"last words")
    assert _texts(tmp_path / "log") == []
    log.feed("o", b"")
    assert _texts(tmp_path / "log") == [("o", b"last words")]


def test_bytes_that_are_no_text_stay_as_they_are(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.feed("o", b"\xff\x00\r\n")
    assert (tmp_path / "log").read_bytes().endswith(b"Z o \xff\x00\r\n")
