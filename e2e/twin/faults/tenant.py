"""Faults of the workspace-server: provisioning hook, registry, gate, tenant API."""

from e2e.twin.faults.kinds import FaultKind

_INSTALL = (
    FaultKind("no-concierge", "the install of the platform agent is answered well, and there is no row (F-53)"),
    FaultKind("two-concierges", "the install leaves two platform roots, as the backstop is gone (F-54)"),
)
_PROVISION = (
    FaultKind(
        "mcp-not-delivered",
        "the provision hook cannot declare the management plugin, so that nothing wires the MCP server (F-02)",
    ),
    FaultKind("model-secret-missing", "the provision hook seeds no MODEL secret; the container has one (F-01)"),
    FaultKind("mcp-auth-error", "the concierge's container gets the organisation's key under one name only (F-23)"),
    FaultKind(
        "delivery-deadlock",
        "the boot does not install the plugin; the reconcile would, and only runs once online (F-11)",
        image="claude-code-no-boot-install",
    ),
    FaultKind(
        "denial-before-delivery",
        "the boot does not install the plugin; the first denial starts the reconcile, which heals it (core #33)",
        image="claude-code-no-boot-install",
    ),
    FaultKind(
        "stale-plugin-record",
        "the plugin is on record as installed and not on the box, so that nothing delivers it any more (F-13)",
        image="claude-code-no-boot-install",
    ),
    FaultKind("secret-in-log", "the provision hook prints the organisation's key into the registry log"),
)
_REGISTRY = (
    FaultKind(
        "gate-blocks-unreported-presence",
        "the gate of 2026-06-18 before its correction, and a runtime from before it had to report presence (F-03)",
        image="claude-code-unreported",
        gate="2026-06-18",
    ),
    FaultKind("online-flaps", "the concierge's error rate goes up and down with every heartbeat (F-07)"),
    FaultKind("register-rejected-url", "the concierge's host name is not known when it registers (F-43)"),
    FaultKind("register-unauthorized", "the concierge's token went to another provision of it (F-45)"),
    FaultKind(
        "stale-register-failure",
        "a restart whose registration is refused once, and the mark of that refusal stays (F-44)",
        parameters={"after": 30.0},
    ),
)
_CONCIERGE = (
    FaultKind("concierge-removed", "the online concierge's row becomes a tombstone (F-51)", parameters={"after": 60.0}),
    FaultKind(
        "tombstone-revived",
        "the concierge is removed and its machine is not; the next denial makes the tombstone failed (F-15)",
        parameters={"after": 60.0},
    ),
    FaultKind(
        "online-while-host-gone",
        "the concierge's machine goes, and nobody looks after its sign of life (F-50)",
        parameters={"after": 50.0},
    ),
)
_CREATION = (
    FaultKind("create-workspace-rejected", "POST /workspaces answers 422"),
    FaultKind("create-workspace-no-row", "POST /workspaces answers 201 but the row is lost"),
    FaultKind("created-wrong-kind", "POST /workspaces makes another platform root"),
    FaultKind("created-under-wrong-parent", "POST /workspaces makes a root of what should be under the concierge"),
    FaultKind("created-workspace-failed", "what POST /workspaces makes cannot be provisioned (F-29)"),
)
_TURN = (
    FaultKind(
        "agent-queued",
        "a chat turn with the concierge is queued, with status=200 (as too long) or 202 (with a queue id) (F-37, F-38)",
        parameters={"status": 200.0},
    ),
    FaultKind("agent-busy", "a chat turn with the concierge is turned away with 503 and a Retry-After"),
    FaultKind("agent-restarting", "each chat turn with the concierge is turned away with 503 and restarts it"),
)
_BOUNDARY = (
    FaultKind(
        "privileged-plugin-on-ordinary-workspace",
        "every created workspace is given the management plugin (F-24)",
    ),
    FaultKind(
        "entitlement-bypass",
        "ordinary workspaces are heard to have the management server, and that alone gets them plugin and key",
    ),
)

FAULTS: tuple[FaultKind, ...] = (*_INSTALL, *_PROVISION, *_REGISTRY, *_CONCIERGE, *_CREATION, *_TURN, *_BOUNDARY)
"""The faults of this area."""
