"""The status map: details before status, and what is not known is never success."""

import itertools

import pytest

from e2e.hosts.status import Outcome, read_status

STATUSES = (
    "Pending",
    "InProgress",
    "Delayed",
    "Success",
    "Cancelled",
    "TimedOut",
    "Failed",
    "Cancelling",
    "Odd",
    "",
)


@pytest.mark.parametrize(
    ("status", "details", "code", "outcome"),
    [
        ("Pending", "Pending", -1, Outcome.WAITING),
        ("InProgress", "InProgress", -1, Outcome.RUNNING),
        ("InProgress", "In Progress", -1, Outcome.RUNNING),
        ("InProgress", "Delayed", -1, Outcome.WAITING),
        ("Pending", "", None, Outcome.WAITING),
        ("Success", "Success", 0, Outcome.SUCCEEDED),
        ("Failed", "Failed", 1, Outcome.FAILED),
        ("Failed", "Failed", 137, Outcome.KILLED),
        ("Failed", "Undeliverable", -1, Outcome.UNDELIVERABLE),
        ("Undeliverable", "Undeliverable", -1, Outcome.UNKNOWN),
        ("TimedOut", "DeliveryTimedOut", -1, Outcome.DELIVERY_TIMED_OUT),
        ("TimedOut", "Delivery Timed Out", -1, Outcome.DELIVERY_TIMED_OUT),
        ("TimedOut", "ExecutionTimedOut", 137, Outcome.EXECUTION_TIMED_OUT),
        ("Failed", "Execution Timed Out", 137, Outcome.EXECUTION_TIMED_OUT),
        ("Cancelled", "Canceled", 137, Outcome.CANCELLED),
        ("Cancelling", "Cancelling", -1, Outcome.CANCELLING),
        ("Failed", "AccessDenied", -1, Outcome.REFUSED),
        ("Failed", "Access Denied", -1, Outcome.REFUSED),
        ("Failed", "RateExceeded", -1, Outcome.RATE_EXCEEDED),
        ("Cancelled", "Terminated", -1, Outcome.NOT_APPLICABLE),
        ("Success", "Details placeholder", 0, Outcome.UNKNOWN),
        ("Success", "", 0, Outcome.UNKNOWN),
        ("Success", "Success", 3, Outcome.UNKNOWN),
        ("Success", "Success", -1, Outcome.UNKNOWN),
        ("Failed", "Success", 0, Outcome.UNKNOWN),
    ],
)
def test_known_and_unknown_triples(status: str, details: str, code: int | None, outcome: Outcome) -> None:
    assert read_status(status, details, code).outcome is outcome


def test_only_one_pair_is_success() -> None:
    details = ("Success", "Failed", "Undeliverable", "In Progress", "", "Cancelled", "ExecutionTimedOut", "Nonsense")
    found = [
        pair for pair in itertools.product(STATUSES, details) if read_status(*pair, 0).outcome is Outcome.SUCCEEDED
    ]
    assert found == [("Success", "Success")]


def test_cancelling_is_not_the_end() -> None:
    assert not read_status("Cancelling", "Cancelling", -1).outcome.is_final


def test_an_unknown_status_is_final_so_that_nobody_waits_for_it() -> None:
    assert read_status("Paused", "Paused", None).outcome.is_final


def test_a_kill_long_before_the_budget_is_no_timeout() -> None:
    reading = read_status("TimedOut", "ExecutionTimedOut", 137, elapsed_seconds=3.0, execution_seconds=60.0)
    assert reading.outcome is Outcome.KILLED
    reading = read_status("TimedOut", "ExecutionTimedOut", 137, elapsed_seconds=59.9, execution_seconds=60.0)
    assert reading.outcome is Outcome.EXECUTION_TIMED_OUT
