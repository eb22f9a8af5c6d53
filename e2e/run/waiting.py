"""Waiting that knows when to stop: a success condition, a give-up condition, a deadline and the last observation."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

SAY_EVERY = 30.0
"""Wall seconds after which a wait that is still going says so."""


class Interrupted(Exception):
    """The run was asked to stop (Ctrl-C, SIGTERM); everything created so far is torn down."""


class WaitExpired(Exception):
    """A deadline passed before the success condition held; carries the last observation.

    ``cause`` is set where even the last look failed, and then names what kept it from seeing anything.
    """

    def __init__(self, what: str, seconds: float, last_observation: str, cause: str | None = None) -> None:
        super().__init__(f"{what}: not within {seconds:.1f} s of wall time; last seen: {last_observation}")
        self.what = what
        self.seconds = seconds
        self.last_observation = last_observation
        self.cause = cause


class GivenUp(Exception):
    """A give-up condition held: waiting longer cannot help. Carries the cause where the condition names one."""

    def __init__(self, what: str, reason: str, cause: str | None = None) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason
        self.cause = cause


class Pacing(Protocol):
    """What a wait needs of the outside: a clock, and a pause that ends early when the run is interrupted."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""

    def pause(self, seconds: float) -> None:
        """Wait for ``seconds``; raise :class:`Interrupted` if the run is asked to stop meanwhile."""


class Interruption:
    """The wall clock together with the request to stop; one per run, shared by its threads."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    def request(self) -> None:
        """Ask the run to stop; returns at once."""
        self._requested.set()

    @property
    def requested(self) -> bool:
        """Whether the run was asked to stop."""
        return self._requested.is_set()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait for ``seconds``.

        Raises:
            Interrupted: the run was asked to stop before or during the wait.
        """
        if self._requested.wait(max(seconds, 0.0)):
            raise Interrupted("the run was asked to stop")


class Uninterrupted:
    """The wall clock alone, for the teardown of an interrupted run: it finishes what it began."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        time.sleep(max(seconds, 0.0))


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock; a child never outlives its parent."""

    at: float
    budget: float

    @classmethod
    def after(cls, pacing: Pacing, seconds: float, *, within: "Deadline | None" = None) -> "Deadline":
        """Return the deadline ``seconds`` from now, cut to what is left of ``within``."""
        now = pacing.monotonic()
        at = now + seconds if within is None else min(now + seconds, within.at)
        return cls(at=at, budget=max(at - now, 0.0))

    def remaining(self, pacing: Pacing) -> float:
        """Return the wall seconds left, never below zero."""
        return max(self.at - pacing.monotonic(), 0.0)


@dataclass(frozen=True, slots=True)
class Observed(Generic[T]):
    """One look of a poll: what to say about it, and the value once the success condition holds.

    ``cause`` says why it gave up, or what kept it from seeing anything at all.
    """

    saying: str
    value: T | None = None
    gave_up: str | None = None
    cause: str | None = None


def poll_until(
    what: str,
    observe: Callable[[], Observed[T]],
    *,
    deadline: Deadline,
    every: float,
    pacing: Pacing,
    say: Callable[[str], None],
) -> T:
    """Call ``observe`` every ``every`` wall seconds until it has a value.

    ``say`` hears each observation that differs from the one before, and at least one line each :data:`SAY_EVERY`.

    Raises:
        GivenUp: an observation says that waiting longer cannot help.
        WaitExpired: the deadline passed; the last look is taken at the deadline itself.
        Interrupted: the run was asked to stop.
    """
    said, said_at = "", pacing.monotonic()
    while True:
        looked_at = pacing.monotonic()
        observed = observe()
        if observed.value is not None:
            return observed.value
        if observed.gave_up is not None:
            raise GivenUp(what, observed.gave_up, observed.cause)
        now = pacing.monotonic()
        if observed.saying != said or now - said_at >= SAY_EVERY:
            say(f"{what}: {observed.saying}")
            said, said_at = observed.saying, now
        left = deadline.at - now
        if looked_at >= deadline.at:
            raise WaitExpired(what, deadline.budget, observed.saying, observed.cause)
        pacing.pause(min(every, max(left, 0.0)))
