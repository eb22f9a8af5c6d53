"""The files that describe a container."""

import calendar
import random
import re
import time
from pathlib import Path

import pytest

from e2e.twin.hosts.records import read_record, seconds_of, timestamp, write_record


def test_a_record_comes_back_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(path, {"secret": "x"})
    write_record(path, {"secret": "y"})
    assert read_record(path) == {"secret": "y"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_that_is_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("[]")
    with pytest.raises(ValueError, match="holds no object"):
        read_record(tmp_path / "record.json")


def test_time_stamps_have_nine_digits_and_are_utc() -> None:
    assert timestamp(1_750_000_000_000_000_042) == "2025-06-15T15:06:40.000000042Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", timestamp())


def test_seconds_are_those_of_the_calendar() -> None:
    chance = random.Random(1)
    for seconds in [0, 951_782_399, 951_782_400, 4_107_542_400, *(chance.randrange(5 * 10**9) for _ in range(2000))]:
        stamp = timestamp(seconds * 10**9)
        assert seconds_of(stamp) == seconds == calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
