"""Faults of the workspace-server: provisioning hook, registry, gate, tenant API."""

from e2e.twin.faults.kinds import FaultKind

FAULTS: tuple[FaultKind, ...] = (
    FaultKind(
        "mcp-not-delivered",
        "the provision hook cannot declare the management plugin, so that nothing wires the MCP server (F-02)",
    ),
    FaultKind("create-workspace-no-row", "POST /workspaces answers 201 but the row is lost"),
)
"""The faults of this area."""
