"""Faults of EC2, SSM and STS."""

from e2e.twin.faults.kinds import FaultKind

FAULTS: tuple[FaultKind, ...] = ()
"""The faults of this area."""
