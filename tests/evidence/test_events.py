"""The event log survives its writer and says what it lost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from e2e.contract import contracts_folder
from e2e.evidence import EventLog, EventLogError, Masker, read_event_log, read_events

START = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that goes on by a second with each look."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def write_log(path: Path, *, count: int) -> bytes:
    with EventLog(path, "run-1", now=Clock(), masker=Masker()) as log:
        for number in range(1, count + 1):
            assert log.write("looked", {"number": number, "text": "ü\n"}) == number
    return path.read_bytes()


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_log(tmp_path / "events.jsonl", count=3)
    events = read_events(tmp_path / "events.jsonl")
    assert [event.seq for event in events] == [1, 2, 3]
    assert events[0].time == START + timedelta(seconds=1)
    assert (events[0].run_id, events[0].kind, events[0].data) == ("run-1", "looked", {"number": 1, "text": "ü\n"})


def test_every_line_fits_the_schema(tmp_path: Path) -> None:
    schema = json.loads((contracts_folder() / "event.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for line in write_log(tmp_path / "events.jsonl", count=3).splitlines():
        validator.validate(json.loads(line))
    assert not validator.is_valid({"seq": 0, "time": "today", "run_id": "", "kind": "No", "data": []})


def test_secrets_do_not_reach_the_log(tmp_path: Path) -> None:
    masker = Masker()
    masker.add("swordfish-4711", "password")
    with EventLog(tmp_path / "e", "run", now=Clock(), masker=masker) as log:
        log.write("said", {"text": "it is swordfish-4711", "swordfish-4711": 1})
    assert b"swordfish" not in (tmp_path / "e").read_bytes()


def test_a_refused_event_leaves_no_gap(tmp_path: Path) -> None:
    with EventLog(tmp_path / "e", "run", now=Clock(), masker=Masker()) as log:
        with pytest.raises(TypeError):
            log.write("bad", {"bytes": b"x"})
        with pytest.raises(ValueError, match="not JSON compliant"):
            log.write("bad", {"number": float("nan")})
        assert log.write("good", {}) == 1
    assert len(read_events(tmp_path / "e")) == 1


def test_a_log_belongs_to_one_writer(tmp_path: Path) -> None:
    write_log(tmp_path / "e", count=1)
    with pytest.raises(FileExistsError):
        EventLog(tmp_path / "e", "run", now=Clock(), masker=Masker())


def test_a_closed_log_takes_no_events(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e", "run", now=Clock(), masker=Masker())
    log.close()
    log.close()
    with pytest.raises(EventLogError, match="is closed"):
        log.write("late", {})


def test_threads_share_one_sequence(tmp_path: Path) -> None:
    with EventLog(tmp_path / "e", "run", now=Clock(), masker=Masker()) as log:

        def write() -> None:
            for number in range(100):
                log.write("tick", {"number": number})

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [event.seq for event in read_events(tmp_path / "e")] == list(range(1, 401))


@pytest.fixture(scope="module")
def whole_log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_log(tmp_path_factory.mktemp("events") / "e", count=4)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_log_cut_at_any_byte_gives_every_whole_event(whole_log: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(whole_log)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e"
        path.write_bytes(whole_log[:cut])
        contents = read_event_log(path)
        assert read_events(path) == list(contents.events)
    assert len(contents.events) == whole_log[:cut].count(b"\n")
    assert [damage.torn for damage in contents.damage] == ([True] if whole_log[:cut].rpartition(b"\n")[2] else [])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda lines: [lines[0], lines[2]], "event 3 where 2 belongs"),
        (lambda lines: [lines[0], lines[0], lines[1]], "event 1 where 2 belongs"),
        (lambda lines: lines[1:], "event 2 where 1 belongs"),
        (lambda lines: [lines[0], b"{oops", lines[1]], "line 2 is not JSON"),
        (lambda lines: [lines[0], b"{}", lines[1]], "line 2: not an event"),
        (lambda lines: [lines[0], lines[1].replace(b"run-1", b"run-2")], "it belongs to the run run-2"),
        (lambda lines: [lines[0].replace(b"2026-", b"2o26-")], "bad time"),
        (lambda lines: [lines[0].replace(b'"seq": 1', b'"seq": true')], "not an event"),
        (lambda lines: [lines[0].replace(b'"kind"', b'"more": 1, "kind"')], "not an event"),
    ],
)
def test_damage_that_no_crash_explains_is_an_error(
    tmp_path: Path, whole_log: bytes, spoil: object, reason: str
) -> None:
    assert callable(spoil)
    path = tmp_path / "e"
    path.write_bytes(b"".join(line + b"\n" for line in spoil(whole_log.splitlines())))
    with pytest.raises(EventLogError, match=reason):
        read_events(path)
    assert read_event_log(path).damage


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from e2e.evidence import EventLog, Masker
log = EventLog(Path(sys.argv[1]), "run", now=lambda: datetime.now(UTC), masker=Masker())
while True:
    print(log.write("tick", {"filling": "x" * 5000}), flush=True)
"""


def test_every_acknowledged_event_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "e"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=dict(os.environ))
    assert writer.stdout is not None
    with writer:
        acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
    events = read_events(path)
    assert [event.seq for event in events[:50]] == acknowledged
