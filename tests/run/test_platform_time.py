"""Platform time and wall time: what gets faster with the twin, and what does not."""

from collections.abc import Callable

import pytest

from e2e.run.platform_time import PlatformTime

FAST, REAL = PlatformTime(100.0), PlatformTime(1.0)
FLOORS: list[tuple[str, Callable[[PlatformTime, float], float], float]] = [
    ("cap", PlatformTime.stage_cap, 20.0),
    ("cap", PlatformTime.run_cap, 120.0),
    ("cap", PlatformTime.teardown_cap, 60.0),
    ("heartbeat", PlatformTime.heartbeat_silence, 10.0),
    ("process", PlatformTime.real, 10.0),
]


def test_what_only_the_platform_governs_gets_faster_with_it() -> None:
    assert FAST.wall(300.0) == 3.0
    assert FAST.platform(3.0) == 300.0
    assert REAL.wall(300.0) == 300.0


@pytest.mark.parametrize(("kind", "convert", "floor"), FLOORS)
def test_what_is_real_never_gets_less_than_its_floor(
    kind: str, convert: Callable[[PlatformTime, float], float], floor: float
) -> None:
    assert convert(FAST, 1.0) == floor
    assert convert(FAST, 100.0 * floor + 100.0) == floor + 1.0


@pytest.mark.parametrize(("kind", "convert", "floor"), FLOORS)
def test_a_scenario_about_a_limit_switches_its_floor_off(
    kind: str, convert: Callable[[PlatformTime, float], float], floor: float
) -> None:
    assert convert(PlatformTime(100.0, frozenset({kind})), 1.0) == 0.01
    others = frozenset({"handshake", "request", "command", "process", "cap", "heartbeat"}) - {kind}
    assert convert(PlatformTime(100.0, others), 1.0) == floor


@pytest.mark.parametrize(("kind", "convert", "floor"), FLOORS)
def test_at_the_platforms_own_speed_there_are_no_floors(
    kind: str, convert: Callable[[PlatformTime, float], float], floor: float
) -> None:
    assert convert(REAL, 1.0) == 1.0


def test_real_work_has_kinds_of_its_own() -> None:
    time = PlatformTime(100.0, frozenset({"request"}))
    assert time.real(30.0, "request") == 0.3
    assert time.real(30.0, "handshake") == 10.0
