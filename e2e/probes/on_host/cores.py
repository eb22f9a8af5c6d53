"""The known cores of log lines. Only these are recognised; every other line is a count.

The texts are those of docs/platform.md (registry log, runtime boot log). Patterns hold the stable cores, since the
words around them changed between releases, and are anchored at the start of a line, since a line may quote what a
client sent.
"""

import re

_STATE = r"[a-z_]{1,20}"
_FROM_TO = rf"from (?P<before>{_STATE}) to (?P<after>{_STATE})\b"
_ARROW = rf"transition=(?P<before>{_STATE})→(?P<after>{_STATE}) reason=(?P<reason>[a-z_]{{1,60}})\b"
_WORKSPACE = r"\(workspace=(?P<workspace>[^)\s]{1,64})\)"
_PLATFORM_DENIED = r"Heartbeat: platform agent heartbeat denied: "
_FAIL_CLOSED = r"refusing to mark online \(RCA #2970 FAIL-CLOSED\) " + _WORKSPACE
_DEGRADED = r"marking degraded \(core#3082\) " + _WORKSPACE

# Order matters: the first that matches names the line.
REGISTRY_CORES: "tuple[tuple[str, re.Pattern[str]], ...]" = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "registry_register_400",
            r"registry_register_400 workspace=(?P<workspace>\S{0,64}) reason=(?P<reason>[a-z_]{1,60})\b",
        ),
        (
            "boot_register_failed",
            r"Registry register: workspace=(?P<workspace>\S{1,64}) boot_register_failed status=(?P<status>\d{3})\b",
        ),
        (
            "register_denied_model",
            r"Registry register: platform agent registered without a seeded MODEL secret; refusing online "
            + _WORKSPACE,
        ),
        (
            "register_denied_mcp",
            r"Registry register: platform agent registered without .{1,120}?; refusing online " + _WORKSPACE,
        ),
        ("heartbeat_denied_model", _PLATFORM_DENIED + r"no seeded MODEL workspace_secret; " + _FAIL_CLOSED),
        ("heartbeat_denied_mcp", _PLATFORM_DENIED + r".{1,120}?; " + _FAIL_CLOSED),
        ("gate_denial_other", r"Heartbeat: .{1,300}?RCA #2970 FAIL-CLOSED\) " + _WORKSPACE),
        (
            "tools_declared_not_loaded",
            r"Heartbeat: platform agent management MCP declared but not loaded; " + _DEGRADED,
        ),
        (
            "tools_not_reported",
            r"Heartbeat: platform agent runtime did not report loaded_mcp_tools .{1,200}?" + _DEGRADED,
        ),
        (
            "tools_lookup_failed",
            r"Heartbeat: platform agent declared management MCP lookup failed: .{0,400}?" + _DEGRADED,
        ),
        ("tools_gate_other", r"Heartbeat: .{1,400}?\(core#3082\) " + _WORKSPACE),
        ("transition", r"Heartbeat: transitioned (?P<workspace>\S{1,64}) " + _FROM_TO),
        ("transition", r"Heartbeat: workspace=(?P<workspace>\S{1,64}) " + _ARROW),
        ("warming", r"Heartbeat: platform (?P<workspace>\S{1,64}) warming, holding provisioning"),
        ("card_backfilled", r"Registry heartbeat: backfilled agent_card for (?P<workspace>\S{1,64}) "),
        (
            "register_failure_cleared",
            r"Registry heartbeat: cleared register-failure marker for (?P<workspace>\S{1,64}) ",
        ),
        ("model_lookup_failed", r"Registry register: model secret lookup failed for (?P<workspace>[^\s:]{1,64}):"),
        (
            "model_lookup_failed",
            r"Heartbeat: model secret lookup failed for platform agent (?P<workspace>[^\s:]{1,64}):",
        ),
        ("token_bootstrap_reopened", r"wsauth: core#2611 bootstrap-recovery for (?P<workspace>\S{1,64}) "),
        ("plugin_not_declared", r"Provisioner: concierge (?P<workspace>\S{1,64}) could not declare "),
        ("provision_applied", r"Provisioner: applied platform-agent env .{0,100}?for (?P<workspace>\S{1,64}) "),
        ("plugin_stage_failed", r"Plugin reconcile: workspace=(?P<workspace>\S{1,64}) .{0,200}?stage failed"),
        ("plugin_on_box", r"Plugin reconcile: workspace=(?P<workspace>\S{1,64}) .{0,200}?already on box"),
        ("plugin_deliver_failed", r"Plugin reconcile: workspace=(?P<workspace>\S{1,64}) .{0,200}?deliver failed"),
        ("plugin_reconciled", r"Plugin reconcile: workspace=(?P<workspace>\S{1,64}) complete\b"),
        ("plugin_installed", r"Plugin reconcile: workspace=(?P<workspace>\S{1,64}) .{0,200}?installed declared plugin"),
        ("plugin_reconcile_other", r"Plugin reconcile: (?:workspace=(?P<workspace>\S{1,64}))?"),
    )
)

RUNTIME_CORES: "tuple[tuple[str, re.Pattern[str]], ...]" = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("entrypoint_boot", r"----- entrypoint boot "),
        ("plugin_installed", r"\[plugins\] installed (?P<name>\S{1,80}) <- "),
        ("plugin_fetch_failed", r"\[plugins\] fetch/extract failed: "),
        ("plugin_unsupported", r"\[plugins\] skip unsupported source: "),
        ("plugin_bad_source", r"\[plugins\] bad source: "),
        ("plugin_subpath_missing", r"\[plugins\] subpath not in archive: "),
        ("plugin_copy_failed", r"\[plugins\] copy failed: "),
        ("plugin_boot_complete", r"\[plugins\] boot-install complete: "),
        ("plugin_none_declared", r"\[plugins\] no MOLECULE_DECLARED_PLUGINS declared"),
        ("plugin_other", r"\[plugins\] "),
        ("prompt_missing", r"\[WARN\] Prompt file: "),
        ("preflight_warning", r"\[WARN\] "),
        ("preflight_failed", r"\[FAIL\] "),
        ("runtime_named", r"Runtime: (?P<name>[a-z0-9-]{1,40}) "),
        ("registered", r"Registered with platform: (?P<status>\d{3})\b"),
        ("register_client_error", r"Register: HTTP (?P<status>\d{3}) is a client error"),
        ("register_retry", r"Register: attempt \d+/\d+ failed \((?:HTTP (?P<status>\d{3}))?"),
        ("register_failed", r"Warning: failed to register with platform"),
        ("adapter_setup_failed", r"WARNING: adapter\.setup\(\) failed"),
        ("serving", r"Workspace \S{1,64} starting on port \d{1,5}"),
        ("heartbeat_failed", r"(?:WARNING[: ]+)?(?:\S{1,60}[: ]+)?Heartbeat failed \("),
        ("heartbeat_crashed", r"(?:ERROR[: ]+)?(?:\S{1,60}[: ]+)?Heartbeat thread error: "),
        ("mcp_launch_failed", r".{0,80}#1027 CRITICAL: management MCP "),
        ("mcp_wired", r".{0,120}wired MCP server "),
        ("prompt_file_not_found", r"Warning: prompt file not found: "),
        ("fatal", r"FATAL: "),
        ("traceback", r"Traceback \(most recent call last\):"),
    )
)
