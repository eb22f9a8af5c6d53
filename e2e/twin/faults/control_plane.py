"""Faults of the control plane and of the edge in front of it."""

from types import MappingProxyType

from e2e.twin.faults.kinds import FaultKind


def _kind(name: str, does: str, **parameters: float) -> FaultKind:
    return FaultKind(name, does, parameters=MappingProxyType(parameters))


FAULTS: tuple[FaultKind, ...] = (
    _kind(
        "control-plane-unavailable",
        "the control plane answers everybody with this HTTP status and nothing else",
        status=503,
    ),
    _kind(
        "control-plane-hiccup",
        "empty 503s for this many seconds, counted from the first call that meets one; acted=1: a create call in that "
        "time is carried out all the same",
        seconds=30,
        acted=0,
    ),
    _kind("control-plane-unauthorized", "the admin token is not accepted: 401 (F-57)"),
    _kind("tenant-unauthorized", "the control plane hands out an admin token that the tenant does not accept"),
    _kind("provisioning-failed", "the organisation fails with RUNTIME_PIN_MISSING (F-59)"),
    _kind("capacity-exhausted", "EC2 has no machine for the organisation, which fails with its words"),
    _kind("record-quota", "the DNS zone is full: the organisation fails with Cloudflare's error 81045 (F-59)"),
    _kind("provisioning-timeout", "the first boot of the tenant's machine never gets to the tenant's container"),
    _kind(
        "boot-race",
        "the tenant's secret is not there when its machine boots: boot events are refused with 401 and the first boot "
        "ends there (F-46)",
    ),
    _kind(
        "transient-failed", "the organisation is failed for this many seconds, then comes up all the same", seconds=60
    ),
    _kind("slow-boot", "the tenant's machine boots this many seconds longer", seconds=300),
    _kind(
        "org-vanished", "the platform's own sweep takes the organisation away this long after it came up", seconds=200
    ),
    _kind("pin-moved", "somebody moves the image pin this long after an organisation came up", seconds=100),
    _kind(
        "platform-moved",
        "this long after it came up the tenant is redeployed: another build in a new container",
        seconds=200,
    ),
    _kind("tenant-half-wired", "the front end answers for the tenant's API: 200 and a page (F-40)"),
    _kind(
        "log-unreadable",
        "this long after the tenant came up its log is rotated under the engine, which reads the new, empty file from "
        "then on; renamed=1: the tenant's container has another name from the start (F-69)",
        seconds=0,
        renamed=0,
    ),
    _kind("leaked-org", "DELETE answers 200, and the organisation stays"),
    _kind("leaked-instance", "a purge ends with its receipt and leaves one machine running (F-64)"),
    _kind(
        "absence-unprovable",
        "once something was purged nobody can be asked about it: boot events, purges, EC2 (=0 leaves one alone)",
        events=1,
        purges=1,
        ec2=1,
    ),
)
"""The faults of this area."""
