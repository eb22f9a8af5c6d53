"""Durations carry their unit."""

import pytest

from e2e.scenario.duration import number_text, seconds


@pytest.mark.parametrize(("text", "expected"), [("240s", 240), ("15m", 900), ("1h", 3600), ("0.5s", 0.5), ("0s", 0)])
def test_a_duration_is_a_number_with_a_unit(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["90", "", "s", "1d", "1 s", "-1s", "1e3s", "٣s"])
def test_a_number_alone_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="bad duration"):
        seconds(text)


def test_a_whole_number_is_shown_without_a_fraction() -> None:
    assert (number_text(30.0), number_text(0.5)) == ("30", "0.5")
