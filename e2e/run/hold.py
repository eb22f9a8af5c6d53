"""Decides whether a concierge is online and held: a state machine over samples of its row, without any clock.

A first ``online`` is no proof: the row flips to online before the gate looks (docs/platform.md, status machine). Held
means that the window is over *and* the heartbeat was seen to advance often enough, whichever is later.
"""

from dataclasses import dataclass
from typing import Literal

HEARTBEAT_INTERVAL = 30.0
"""Platform seconds between two heartbeats of a runtime (docs/platform.md, runtime)."""
HEARTBEATS_DEMANDED = 3
"""How often ``last_heartbeat_at`` must be seen to advance within the window."""
FALLS_ALLOWED = 2
"""How often a concierge may leave ``online`` before the next fall is the last."""
SILENT_INTERVALS = 3
"""Heartbeat intervals without a heartbeat after which an online concierge counts as silent."""
SETTLE_WINDOW = 180.0
"""Platform seconds for which ``failed`` must persist before it is believed (docs/platform.md, self-healing)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the concierge's row. ``at`` is seconds on any clock that never goes back; all limits use it too."""

    at: float
    status: str
    url: bool
    heartbeat: str | None


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """The limits of a hold in the unit of :attr:`Sample.at`."""

    window: float
    silence: float
    settle: float


WindowChange = Literal["opened", "broken", "held"]


@dataclass(frozen=True, slots=True)
class HoldStep:
    """What one sample changed. ``gave_up`` says why waiting longer cannot help, with the cause where there is one."""

    saying: str
    window: WindowChange | None = None
    gave_up: str | None = None
    cause: str | None = None


class OnlineHold:
    """Takes samples in order and says when the concierge has held, or why it will not."""

    def __init__(self, limits: HoldLimits) -> None:
        self._limits = limits
        self._opened_at: float | None = None
        self._failed_since: float | None = None
        self._heartbeat: str | None = None
        self._heartbeat_at: float | None = None
        self._advances = 0
        self._falls = 0
        self.held = False

    @property
    def falls(self) -> int:
        """How often the concierge has left ``online``."""
        return self._falls

    @property
    def is_open(self) -> bool:
        """Whether a window is running."""
        return self._opened_at is not None

    def take(self, sample: Sample) -> HoldStep:
        """Take the next sample."""
        advanced = sample.heartbeat is not None and sample.heartbeat != self._heartbeat
        if advanced:
            self._heartbeat, self._heartbeat_at = sample.heartbeat, sample.at
        if sample.status == "online" and sample.url:
            self._failed_since = None
            return self._online(sample, advanced)
        if self._opened_at is not None:
            return self._fall(sample)
        return self._not_online(sample)

    def _online(self, sample: Sample, advanced: bool) -> HoldStep:
        if self._opened_at is None:
            self._opened_at, self._advances = sample.at, 0
            self._heartbeat_at = sample.at
            return HoldStep("online, the window begins", window="opened")
        self._advances += advanced
        elapsed = sample.at - self._opened_at
        over = elapsed >= self._limits.window
        if over and self._advances >= HEARTBEATS_DEMANDED and not self.held:
            self.held = True
            return HoldStep(f"online and held, {self._advances} heartbeats seen", window="held")
        silent = sample.at - (self._heartbeat_at or self._opened_at)
        if silent >= self._limits.silence:
            return HoldStep(
                "online without heartbeats",
                gave_up=f"no heartbeat for {SILENT_INTERVALS} intervals while the row says online",
                cause="heartbeat-stopped",
            )
        return HoldStep(
            f"online, holding: {min(self._advances, HEARTBEATS_DEMANDED)} of {HEARTBEATS_DEMANDED} heartbeats"
        )

    def _fall(self, sample: Sample) -> HoldStep:
        self._opened_at, self.held = None, False
        self._falls += 1
        self._failed_since = sample.at if sample.status == "failed" else None
        if self._falls > FALLS_ALLOWED:
            return HoldStep(
                f"fell out of online to {sample.status}",
                window="broken",
                gave_up=f"left online {self._falls} times, last to {sample.status}",
                cause="online-flaps",
            )
        return HoldStep(f"fell out of online to {sample.status}, fall {self._falls}", window="broken")

    def _not_online(self, sample: Sample) -> HoldStep:
        if sample.status != "failed":
            self._failed_since = None
            return HoldStep(f"{sample.status}{'' if sample.url else ', no url'}")
        if self._failed_since is None:
            self._failed_since = sample.at
        if sample.at - self._failed_since >= self._limits.settle:
            return HoldStep("failed, and it stays", gave_up="failed persisted through the settle window")
        return HoldStep("failed, settling")
