"""All faults of this twin. A fault that is not listed here does not exist."""

from e2e.twin.faults import cloud, control_plane, runtime, tenant
from e2e.twin.faults.kinds import FaultKind

CATALOGUE: tuple[FaultKind, ...] = (*runtime.FAULTS, *tenant.FAULTS, *control_plane.FAULTS, *cloud.FAULTS)
"""Every fault, by area."""
