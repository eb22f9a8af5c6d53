"""ISO 8601 durations as SSM writes them."""

import pytest

from e2e.hosts.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H0.271S", 3600.271), ("PT0.4S", 0.4), ("PT2M", 120.0), ("", None), ("P", None), ("5", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds
