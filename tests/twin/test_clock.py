"""The twin's clock: what is scaled and what is not."""

from datetime import UTC, datetime, timedelta

import pytest

from e2e.twin.clock import PlatformClock


def test_platform_seconds_shrink_with_the_speed() -> None:
    assert PlatformClock(100).wall(30) == pytest.approx(0.3)


def test_wall_seconds_are_more_platform_seconds() -> None:
    assert PlatformClock(100).platform(0.3) == pytest.approx(30)


def test_a_timeout_around_real_work_never_falls_below_ten_seconds() -> None:
    clock = PlatformClock(100)
    assert clock.real(30) == 10.0
    assert clock.real(5000) == 50.0


def test_the_floor_of_real_work_can_be_lowered_for_tests() -> None:
    assert PlatformClock(100, real_floor=0.5).real(30) == 0.5


def test_time_stamps_are_true_utc_at_any_speed() -> None:
    now = PlatformClock(1000).now()
    assert now.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be positive"):
        PlatformClock(speed)


def test_a_negative_floor_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        PlatformClock(1, real_floor=-1)
