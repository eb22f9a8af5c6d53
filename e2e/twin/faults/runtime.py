"""Faults of the concierge: its image, its runtime, its plugins, its management server, its agent."""

from e2e.twin.faults.kinds import FaultKind

FAULTS: tuple[FaultKind, ...] = (
    FaultKind(
        "runtime-ignores-plugin-mcp",
        "the bug of 2026-06-19: the concierge's runtime looks only for the retired binary, never at settings.json",
        image="claude-code-before-fix",
    ),
)
"""The faults of this area."""
