"""What all parts of one workspace-server share."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from e2e.contract import Contract
from e2e.twin.background import Background
from e2e.twin.clock import PlatformClock
from e2e.twin.database import Database, Row, timestamp
from e2e.twin.faults.plan import FaultSwitch
from e2e.twin.identities import Identities
from e2e.twin.workspace_server.configuration import TenantConfiguration
from e2e.twin.workspace_server.gate import GatePolicy


@dataclass(slots=True)
class Cooldown:
    """Lets something happen to one workspace at most once in a while. Kept in memory only, as the platform's is."""

    _last: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, workspace_id: str, now: float, seconds: float) -> bool:
        """Say whether ``seconds`` are over since this last said yes for the workspace; both times on one clock."""
        with self._lock:
            last = self._last.get(workspace_id)
            if last is not None and now - last < seconds:
                return False
            self._last[workspace_id] = now
            return True


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant: its settings, its database, its log and its clocks.

    ``monotonic`` gives wall seconds; ``own_url`` is where its agents reach it; ``denials`` spaces the reconciles that
    denials start.
    """

    configuration: TenantConfiguration
    contract: Contract
    gate: GatePolicy
    database: Database
    clock: PlatformClock
    log: Callable[[str], None]
    faults: FaultSwitch
    identities: Identities
    background: Background
    own_url: str
    denials: Cooldown = field(default_factory=Cooldown)
    monotonic: Callable[[], float] = time.monotonic

    def workspace(self, workspace_id: str) -> Row | None:
        """Return the row, removed ones included."""
        return self.database.row("SELECT * FROM workspaces WHERE id = ?", workspace_id)

    def platform_root(self) -> Row | None:
        """Return the concierge's row, if there is one."""
        return self.database.row(
            "SELECT * FROM workspaces WHERE kind = 'platform' AND status <> 'removed' ORDER BY rowid"
        )

    def record_event(self, workspace_id: str, kind: str, **data: object) -> None:
        """Write one event of the tenant's structure log."""
        self.database.execute(
            "INSERT INTO events (workspace_id, kind, data, at) VALUES (?, ?, ?, ?)",
            workspace_id,
            kind,
            json.dumps(data),
            timestamp(self.clock.now()),
        )

    def fail(self, workspace_id: str, error: str, **data: object) -> None:
        """Mark the row ``failed``. There is no guard against removed rows, as there was none."""
        self.database.execute(
            "UPDATE workspaces SET status = 'failed', last_sample_error = ? WHERE id = ?", error, workspace_id
        )
        self.record_event(workspace_id, "WORKSPACE_PROVISION_FAILED", error=error, **data)

    def has_model(self, workspace_id: str) -> bool:
        """Say whether a MODEL secret is there; its value is not looked at."""
        found = self.database.row(
            "SELECT 1 FROM workspace_secrets WHERE workspace_id = ? AND key = 'MODEL'", workspace_id
        )
        return found is not None

    def configs_of(self, instance_id: str) -> Path:
        """Return the ``/configs`` folder of a workspace's host: what EC2 Instance Connect would reach."""
        return Path(self.configuration.hosts_folder) / instance_id / "configs"
