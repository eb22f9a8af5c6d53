"""How often the harness asks while it waits for something in AWS."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PollTimes:
    """Wall seconds between questions: the first gap, its growth, its ceiling, and the share of it that is random.

    ``read_attempts`` is how often botocore tries one reading call; ``lookup_seconds`` is how long a command whose
    answer was lost is looked for; ``confirm_seconds`` is how long a cancelled command is watched; ``echo_seconds`` is
    how long the echo that proves the way is waited for, a little more than its budgets on the wire come to.
    ``requests_per_second`` and ``requests_at_once`` limit all requests of a process to one region, with repetitions.
    """

    first_seconds: float
    factor: float
    maximum_seconds: float
    jitter: float
    read_attempts: int
    lookup_seconds: float
    confirm_seconds: float
    echo_seconds: float
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 20.0
    requests_per_second: float = 500.0
    requests_at_once: int = 100

    @classmethod
    def live(cls) -> "PollTimes":
        """Return the times for AWS itself: 2 s, growing by half to 15 s, half of it random; no rate is published."""
        return cls(2.0, 1.5, 15.0, 0.5, 8, 45.0, 30.0, 90.0, requests_per_second=8.0, requests_at_once=16)

    @classmethod
    def embedded(cls) -> "PollTimes":
        """Return the times for a twin on the same machine."""
        return cls(0.02, 1.4, 0.08, 0.2, 4, 3.0, 5.0, 25.0)

    def gaps(self, randomness: random.Random) -> Iterator[float]:
        """Return an endless series of gaps, in wall seconds."""
        gap = self.first_seconds
        while True:
            yield gap * (1.0 - self.jitter * randomness.random())
            gap = min(gap * self.factor, self.maximum_seconds)
