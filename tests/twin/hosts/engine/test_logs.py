"""`docker logs`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.logs import moment

if TYPE_CHECKING:
    from tests.twin.hosts.conftest import Machine

Eventually = Callable[[Callable[[], bool]], None]


def _logging(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run("sh", "-c", "echo one; echo two; echo bad >&2; exec sleep 600")
    eventually(lambda: len(container.log_path.read_text().splitlines()) == 3)


def test_both_streams_come_back_apart(machine: "Machine", eventually: Eventually) -> None:
    _logging(machine, eventually)
    found = machine.docker("logs", "box")
    assert found.stdout == "one\ntwo\n"
    assert found.stderr == "bad\n"


def test_time_stamps_are_those_of_the_engine(machine: "Machine", eventually: Eventually) -> None:
    _logging(machine, eventually)
    line = machine.docker("logs", "-t", "box").stdout.splitlines()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one", line)


@pytest.mark.parametrize(("count", "lines"), [("0", 0), ("1", 1), ("2", 2), ("3", 3), ("99", 3), ("all", 3), ("-1", 3)])
def test_the_tail_counts_lines_of_both_streams(
    machine: "Machine", eventually: Eventually, count: str, lines: int
) -> None:
    _logging(machine, eventually)
    found = machine.docker("logs", "--tail", count, "box")
    assert len(found.stdout.splitlines()) + len(found.stderr.splitlines()) == lines


def test_since_and_until_cut_by_time(machine: "Machine", eventually: Eventually) -> None:
    _logging(machine, eventually)
    first = machine.docker("logs", "--timestamps", "box").stdout.split(" ")[0]
    assert machine.docker("logs", "--since", first, "box").stdout == "one\ntwo\n"
    assert machine.docker("logs", "--since", "10m", "box").stdout == "one\ntwo\n"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert machine.docker("logs", "--since", tomorrow, "box").stdout == ""
    assert machine.docker("logs", "--until", "10m", "box").stdout == ""


def test_no_such_container_is_an_error(machine: "Machine") -> None:
    found = machine.docker("logs", "absent")
    assert (found.returncode, found.stderr) == (1, "Error: No such container: absent\n")
    assert machine.docker("logs").returncode == 1


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-06-19T10:00:00Z", "2026-06-19T10:00:00.000000000Z"),
        ("2026-06-19T10:00:00.5", "2026-06-19T10:00:00.500000000Z"),
        ("2026-06-19T12:00:00.000000001+02:00", "2026-06-19T10:00:00.000000001Z"),
        ("2026-06-19T05:30:00-04:30", "2026-06-19T10:00:00.000000000Z"),
        ("2026-06-19", "2026-06-19T00:00:00.000000000Z"),
        ("1781863200", "2026-06-19T10:00:00.000000000Z"),
        ("1781863200.25", "2026-06-19T10:00:00.250000000Z"),
    ],
)
def test_dates_are_read_in_the_engines_ways(text: str, stamp: str) -> None:
    assert moment(text) == stamp


def test_a_duration_is_before_now() -> None:
    ago = datetime.fromisoformat(moment("1h30m")[:19] + "+00:00")
    assert abs(datetime.now(UTC) - timedelta(minutes=90) - ago) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["yesterday", "10 m", "", "5d"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(EngineError, match="failed to parse value as time or duration"):
        moment(text)
