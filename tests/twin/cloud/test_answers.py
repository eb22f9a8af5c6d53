"""How commands and invocations are written."""

import pytest

from e2e.twin.cloud.answers import _duration, _overall
from e2e.twin.cloud.commands import InvocationState


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.0004, "PT0S"),
        (0.022, "PT0.022S"),
        (61.5, "PT1M1.5S"),
        (3600.271, "PT1H0.271S"),
        (59.9999, "PT1M0S"),
    ],
)
def test_durations_are_written_as_the_service_does(seconds: float | None, text: str) -> None:
    assert _duration(seconds) == text


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        (["Pending", "Pending"], "Pending"),
        (["Success", "Pending"], "InProgress"),
        (["Success", "InProgress"], "InProgress"),
        (["Cancelling", "InProgress"], "Cancelling"),
        (["Success", "Failed", "TimedOut"], "Failed"),
        (["Success", "TimedOut"], "TimedOut"),
        (["Success", "Cancelled"], "Cancelled"),
        (["Success", "Success"], "Success"),
    ],
)
def test_a_command_is_as_good_as_its_worst_invocation(statuses: list[str], overall: str) -> None:
    assert _overall([InvocationState(status, status) for status in statuses])[0] == overall


def test_a_command_that_reached_nobody_says_so_in_its_details() -> None:
    assert _overall([])[1] == "NoInstancesInTag"
