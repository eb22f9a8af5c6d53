"""Platform time and wall time, and the only place where one becomes the other.

Platform seconds are seconds as the platform lives them: heartbeats, holds, caps. A twin may live faster than the wall
clock by ``speed``. What is real work (a process, a request, a handshake) does not get faster with the twin, so it never
gets less than :data:`REAL_WORK_FLOOR` of wall time, and neither do the budgets around it.
"""

from dataclasses import dataclass, field

REAL_WORK_FLOOR = 10.0
"""Least wall seconds for a timeout around real work."""
STAGE_FLOOR = 20.0
"""Least wall seconds for the cap of a stage."""
RUN_FLOOR = 120.0
"""Least wall seconds for a whole run."""
TEARDOWN_FLOOR = 60.0
"""Least wall seconds for a teardown."""
HEARTBEAT_FLOOR = 10.0
"""Least wall seconds without a heartbeat before that counts as silence."""


@dataclass(frozen=True, slots=True)
class PlatformTime:
    """Converts platform seconds to wall seconds at one speed.

    ``exact`` names the floors that a scenario switches off because it is about them: ``handshake``, ``request``,
    ``command``, ``process``, ``cap``, ``heartbeat``.
    """

    speed: float
    exact: frozenset[str] = field(default_factory=frozenset)

    def wall(self, platform_seconds: float) -> float:
        """Return the wall seconds of a wait that only the platform's own clock governs."""
        return platform_seconds / self.speed

    def platform(self, wall_seconds: float) -> float:
        """Return the platform seconds that pass in ``wall_seconds``."""
        return wall_seconds * self.speed

    def real(self, platform_seconds: float, kind: str = "process") -> float:
        """Return the wall seconds of a timeout around real work of one ``kind``."""
        return self._floored(platform_seconds, REAL_WORK_FLOOR, kind)

    def stage_cap(self, platform_seconds: float) -> float:
        """Return the wall seconds that a stage may take at most."""
        return self._floored(platform_seconds, STAGE_FLOOR, "cap")

    def run_cap(self, platform_seconds: float) -> float:
        """Return the wall seconds that a run may take before its teardown."""
        return self._floored(platform_seconds, RUN_FLOOR, "cap")

    def teardown_cap(self, platform_seconds: float) -> float:
        """Return the wall seconds that a teardown may take."""
        return self._floored(platform_seconds, TEARDOWN_FLOOR, "cap")

    def heartbeat_silence(self, platform_seconds: float) -> float:
        """Return the wall seconds without a heartbeat that count as silence."""
        return self._floored(platform_seconds, HEARTBEAT_FLOOR, "heartbeat")

    def _floored(self, platform_seconds: float, floor: float, kind: str) -> float:
        wall = self.wall(platform_seconds)
        return wall if self.speed == 1 or kind in self.exact else max(wall, floor)
