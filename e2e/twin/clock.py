"""Platform time: the twin may live faster than the wall clock."""

from datetime import UTC, datetime

REAL_WORK_FLOOR_SECONDS = 10.0
"""A timeout around something real is never shorter than this, in wall seconds, however fast the twin runs."""


class PlatformClock:
    """Turns platform seconds into wall seconds; the one place where the twin's speed is applied.

    ``speed`` is platform seconds per wall second. ``real_floor`` (wall seconds) is an argument so that tests of a
    timeout need not wait for the floor that production keeps.
    """

    def __init__(self, speed: float, *, real_floor: float = REAL_WORK_FLOOR_SECONDS) -> None:
        """Take the speed.

        Raises:
            ValueError: ``speed`` is not positive or ``real_floor`` is negative.
        """
        if not speed > 0:
            raise ValueError(f"speed must be positive, not {speed}")
        if not real_floor >= 0:
            raise ValueError(f"real_floor must not be negative: {real_floor}")
        self.speed = speed
        self._real_floor = real_floor

    def wall(self, platform_seconds: float) -> float:
        """Return how many wall seconds ``platform_seconds`` last here."""
        return platform_seconds / self.speed

    def platform(self, wall_seconds: float) -> float:
        """Return how many platform seconds pass in ``wall_seconds``."""
        return wall_seconds * self.speed

    def real(self, platform_seconds: float) -> float:
        """Return the wall seconds of a timeout around a process, a request, a handshake or a command.

        Real work does not become faster with the twin, so the answer is never below the floor (10 s by default).
        """
        return max(platform_seconds / self.speed, self._real_floor)

    def now(self) -> datetime:
        """Return the true time, in UTC: time stamps on the wire are never scaled."""
        return datetime.now(UTC)
