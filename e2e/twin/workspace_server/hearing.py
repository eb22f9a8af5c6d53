"""How the server hears what agents report: as they said it, unless a fault garbles it on the way in."""

from e2e.twin.database import Row
from e2e.twin.wire import Document
from e2e.twin.workspace_server.tenant import Tenant

TROUBLED_ERROR_RATE = 0.9
"""What an oscillating error rate goes up to: well above the limit at which a row is degraded."""


def heard(tenant: Tenant, row: Row | None, report: Document) -> Document:
    """Return the payload of a register or heartbeat call as the server understands it; ``row`` is who reports."""
    if row is None:
        return report
    faults = tenant.faults
    if row["kind"] != "platform":
        if faults.acts("entitlement-bypass", "self-report of an ordinary workspace"):
            return report | {tenant.contract.runtime_present_field: True}
        return report
    if "error_rate" in report and faults.acts("online-flaps", "error rate of the concierge"):
        report = report | {"error_rate": 0.0 if row["last_error_rate"] else TROUBLED_ERROR_RATE}
    return report
