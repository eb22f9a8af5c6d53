"""The budgets of a run, in platform seconds, as the stage table of the design has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from e2e.run.hold import HEARTBEAT_INTERVAL, SETTLE_WINDOW, SILENT_INTERVALS, HoldLimits
from e2e.run.platform_time import PlatformTime

CAPS: dict[str, float] = {
    "provisioned": 900.0,
    "tenant_ready": 900.0,
    "concierge_found": 180.0,
    "online": 900.0,
    "hosts_reachable": 300.0,
    "settings_wired": 300.0,
    "presence_reported": 300.0,
    "registered": 900.0,
    "tool_listed": 180.0,
    "workspace_created": 180.0,
    "agent_acted": 420.0,
}
"""Platform seconds that each stage may take at most; a cap is a ceiling, cut to what is left of the run."""

RUN_DEADLINE = 24 * 60.0
"""Platform seconds for everything before the teardown; the platform sweeps our tenants after 30 minutes."""
TEARDOWN_BUDGET = 300.0
"""Platform seconds for the teardown, on top of the run's deadline."""
ROW_SETTLES = 60.0
"""Platform seconds after which a created workspace must still be there and not failed."""
LATE_LOOK = 120.0
"""Platform seconds after the purge at which late-born instances are looked for once more."""
SAMPLE_EVERY = 5.0
"""Platform seconds between two requests of one poll: one request per 5 s, a sixth of a heartbeat."""
HANDSHAKE = 60.0
"""Platform seconds within which the runtime wants its MCP servers to answer (docs/platform.md, readiness gate)."""
TURN_REQUEST = 420.0
"""Platform seconds that one chat turn may take."""
DELIVERY = 180.0
"""Platform seconds within which SSM must start a command; agents of fresh hosts are busy (docs/platform.md, SSM)."""
EXECUTION = 120.0
"""Platform seconds that a look may run on a host."""
LAUNCH_EXECUTION = 240.0
"""Platform seconds that a look may run that also launches the management server."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the environment sets otherwise than :data:`CAPS` and the settle window; all in platform seconds."""

    caps: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    settle: float = SETTLE_WINDOW


@dataclass(frozen=True, slots=True)
class HoldPlan:
    """How long a concierge must stay online, and for how long ``failed`` must persist, in platform seconds."""

    hold: float
    settle: float = SETTLE_WINDOW

    def limits(self, time: PlatformTime) -> HoldLimits:
        """Return the limits in wall seconds, the unit of the watch's samples."""
        return HoldLimits(
            window=time.wall(self.hold),
            silence=time.heartbeat_silence(SILENT_INTERVALS * HEARTBEAT_INTERVAL),
            settle=time.wall(self.settle),
        )
