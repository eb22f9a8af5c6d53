"""Faults of the control plane and of the edge in front of it."""

from e2e.twin.faults.kinds import FaultKind

FAULTS: tuple[FaultKind, ...] = ()
"""The faults of this area."""
