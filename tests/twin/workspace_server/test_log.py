"""The form of the registry log."""

import io
from datetime import UTC, datetime

import pytest

from e2e.twin.workspace_server.log import RegistryLog, go_duration, quoted


def test_a_line_has_the_prefix_of_gos_log() -> None:
    stream = io.StringIO()
    RegistryLog(stream, lambda: datetime(2026, 6, 20, 1, 2, 3, tzinfo=UTC))("hello")
    assert stream.getvalue() == "2026/06/20 01:02:03 hello\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.000412, "412µs"), (0.0015, "1.5ms"), (0.25, "250ms"), (2.25, "2.25s")]
)
def test_durations_look_like_gos(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_quotes_are_escaped() -> None:
    assert quoted('a "b"\n') == '"a \\"b\\"\\n"'
