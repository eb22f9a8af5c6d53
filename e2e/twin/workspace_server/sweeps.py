"""What the tenant looks after by itself: signs of life and provisions that never end (docs/platform.md, sweeps)."""

from e2e.twin.workspace_server.mishaps import MISHAP_INTERVAL, Mishaps
from e2e.twin.workspace_server.tenant import Tenant

LIVENESS_INTERVAL = 5.0
PROVISION_INTERVAL = 30.0
PROVISION_TIMEOUT = 12 * 60.0
"""Platform seconds after which a row that never left ``provisioning`` is failed."""

PROVISION_TIMED_OUT = (
    "provisioning timed out — container started but never called /registry/register. "
    "Check container logs and network connectivity to the platform."
)


def start_sweeps(tenant: Tenant) -> None:
    """Run the sweeps until the server stops."""
    wall = tenant.clock.wall
    mishaps = Mishaps(tenant)
    tenant.background.every("mishaps", wall(MISHAP_INTERVAL), mishaps.look)
    tenant.background.every("sweep-liveness", wall(LIVENESS_INTERVAL), lambda: sweep_liveness(tenant))
    tenant.background.every("sweep-provision", wall(PROVISION_INTERVAL), lambda: sweep_provisioning(tenant))


def sweep_liveness(tenant: Tenant) -> None:
    """Move rows whose sign of life ran out to ``offline``, external ones to ``awaiting_agent``."""
    if tenant.faults.is_on("online-while-host-gone"):
        return
    tenant.database.execute(
        """UPDATE workspaces
           SET status = CASE WHEN runtime = 'external' THEN 'awaiting_agent' ELSE 'offline' END, live_until = NULL
           WHERE live_until < ? AND status IN ('online', 'degraded')""",
        tenant.monotonic(),
    )


def sweep_provisioning(tenant: Tenant) -> None:
    """Fail rows that have been ``provisioning`` for too long."""
    limit = tenant.monotonic() - tenant.clock.real(PROVISION_TIMEOUT)
    for row in tenant.database.rows(
        "SELECT id FROM workspaces WHERE status = 'provisioning' AND provisioning_since < ?", limit
    ):
        tenant.fail(row["id"], PROVISION_TIMED_OUT, code="PROVISION_TIMEOUT")
