"""How the first boot of a tenant can go wrong by the fault plan, in the words that end up in ``last_error``."""

from e2e.twin.control_plane.estate import Estate
from e2e.twin.database import Row
from e2e.twin.hosts.host import Host
from e2e.twin.outbound import UnreachableError, request_json

NO_CAPACITY = (
    "RunInstances: InsufficientInstanceCapacity: We currently do not have sufficient t3.medium capacity in the "
    "Availability Zone you requested (us-east-2a). Our system will be working on provisioning additional capacity. You "
    "can currently get t3.medium capacity by not specifying an Availability Zone in your request or choosing "
    "us-east-2b, us-east-2c."
)
PIN_MISSING = "RUNTIME_PIN_MISSING"
RECORD_QUOTA = "cloudflare: create DNS record: error 81045: Record quota exceeded."
_REQUEST_SECONDS = 60.0


class TenantBootError(Exception):
    """The tenant did not come up; the message becomes the row's ``last_error``."""


def fail_to_launch(estate: Estate, org: Row) -> None:
    """Fail before there is a machine.

    Raises:
        TenantBootError: EC2 has none.
    """
    if estate.switch.acts("capacity-exhausted", org["slug"]):
        raise TenantBootError(NO_CAPACITY)


def fail_to_set_up(estate: Estate, org: Row) -> None:
    """Fail on a machine that is up.

    Raises:
        TenantBootError: no image is pinned for the tenant's runtime.
    """
    if estate.switch.acts("provisioning-failed", org["slug"]):
        raise TenantBootError(PIN_MISSING)


def fail_to_finish(estate: Estate, org: Row) -> None:
    """Fail when the workspace-server is healthy already.

    Raises:
        TenantBootError: its name cannot be published, the DNS zone is full.
    """
    if estate.switch.acts("record-quota", org["slug"]):
        raise TenantBootError(RECORD_QUOTA)


def loses_the_race(estate: Estate, org: Row, host: Host) -> bool:
    """Boot before the tenant's secret is there, and say whether that ended the first boot.

    The boot event that the machine then posts is really refused; curl prints that on the console, and the script of the
    first boot ends at its first failure.
    """
    if not estate.switch.acts("boot-race", org["slug"]):
        return False
    try:
        reply = request_json(
            "POST",
            f"{estate.url}/cp/tenants/boot-event",
            {"stage": "installing"},
            timeout=estate.clock.real(_REQUEST_SECONDS),
            headers={"X-Molecule-Admin-Token": org["admin_token"]},
        )
    except UnreachableError as error:
        host.print_on_console(f"curl: (7) {error}")
    else:
        host.print_on_console(f"curl: (22) The requested URL returned error: {reply.status}")
    host.print_on_console("cloud-init: Failed to run module scripts-user (scripts in /var/lib/cloud/instance/scripts)")
    return True
