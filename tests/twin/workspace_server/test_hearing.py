"""What arrives of a report, and what a fault leaves of it."""

from typing import Any


def test_without_a_fault_every_report_is_heard_as_it_was_said(desk: Any, concierge: str) -> None:
    desk.register(concierge)
    assert desk.beat(concierge, error_rate=0.25) == "online"
    assert desk.row(concierge)["last_error_rate"] == 0.25


def test_an_oscillating_error_rate_flips_the_row_with_every_heartbeat(make_desk: Any) -> None:
    desk = make_desk("online-flaps")
    concierge, worker = desk.install_concierge(), desk.order()
    desk.register(concierge)
    desk.register(worker)
    seen = [desk.beat(concierge) for _ in range(6)]
    assert seen == ["degraded", "online"] * 3
    assert [desk.beat(worker) for _ in range(2)] == ["online"] * 2


def test_a_healed_error_rate_stays_low(make_desk: Any) -> None:
    desk = make_desk("online-flaps:heal=200000")
    concierge = desk.install_concierge()
    desk.register(concierge)
    assert desk.beat(concierge) == "degraded"
    desk.clockwork.now = 2000.0
    assert [desk.beat(concierge) for _ in range(3)] == ["online"] * 3
