"""Faults of the concierge: its image, its runtime, its plugins, its management server, its agent."""

from types import MappingProxyType

from e2e.twin.faults.kinds import FaultKind

_IMAGES = (
    FaultKind(
        "runtime-ignores-plugin-mcp",
        "the bug of 2026-06-19: the concierge's runtime looks only for the retired binary, never at settings.json",
        image="claude-code-before-fix",
    ),
    FaultKind(
        "tools-not-reported",
        "the runtime reports presence and never its loaded tools (core#3082, F-04)",
        image="claude-code-no-tools",
    ),
    FaultKind(
        "tools-not-loaded",
        "the management server does not know management mode and lists nothing, which the runtime reports (F-05)",
        image="claude-code-wrong-mode",
    ),
    FaultKind(
        "tool-name-drift",
        "the management server offers the creating tool only by the contract's other name (F-10)",
        image="claude-code-other-verb",
    ),
    FaultKind(
        "presence-without-capability",
        "an empty file lies where the retired binary was, and no plugin is wired: present, and nothing to start",
        image="claude-code-hollow-binary",
    ),
)

_DELIVERY = (
    FaultKind("plugin-fetch-failed", "the concierge gets no credential for the private plugin repository (F-16)"),
    FaultKind(
        "plugin-source-unsupported", "the plugin is declared with a presign:// source, which no boot installs (F-17)"
    ),
    FaultKind(
        "plugin-ref-unpinned",
        "the plugin is declared without a ref, for an image that leaves the installing to the reconcile (F-18)",
        image="claude-code-no-boot-install",
        gate="2026-06-15",
    ),
    FaultKind(
        "settings-not-merged", "the plugin is installed, and the adaptor merges nothing into settings.json (F-12)"
    ),
    FaultKind("settings-malformed", "the adaptor's write of settings.json is cut off half way (F-25)"),
    FaultKind(
        "settings-wrong-runtime-path",
        "the concierge runs another runtime than claude-code, and the adaptor writes claude-code's file (F-91)",
    ),
    FaultKind(
        "settings-entry-not-launchable",
        "the settings entry is null (entry=0), has no command (1), or names a command that is not there (2)",
        parameters=MappingProxyType({"entry": 2}),
    ),
    FaultKind(
        "server-name-drift", "the image is older than the shared server name and wires the server as platform (F-08)"
    ),
    FaultKind("stale-image", "a fresh workspace runs the image of before the last pin (F-66)"),
)

_SERVER = (
    FaultKind("mcp-launch-failed", "the management server ends as soon as it is started"),
    FaultKind(
        "mcp-handshake-timeout",
        "the management server is silent for seconds (platform) before it answers; the runtime waits 60 and not longer",
        parameters=MappingProxyType({"seconds": 90}),
    ),
    FaultKind("noise-in-mcp-stdout", "the management server logs to standard output, into the protocol"),
)

_AGENT = (
    FaultKind(
        "heartbeat-stopped",
        "the heartbeat falls silent after beats of them, and everything else goes on",
        parameters=MappingProxyType({"beats": 2}),
    ),
    FaultKind("agent-wedged", "a turn hangs in the agent's SDK, and the heartbeat says so (F-49)"),
    FaultKind("event-loop-blocked", "the agent's HTTP door accepts connections and never answers; heartbeats go on"),
    FaultKind("agent-not-configured", "the concierge gets no LLM_PROVIDER, so no provider fits its model (F-26)"),
    FaultKind("agent-cannot-see-tool", "the agent ignores the MCP servers that settings.json wires (core#3079)"),
    FaultKind("agent-denies-tool", "the model says that it does not have the tool that it has (F-33)"),
    FaultKind("agent-claims-without-acting", "the model says that it created the workspace, and called nothing (F-34)"),
    FaultKind("agent-error-reply", "the model mangles the call: it leaves out the name (F-33)"),
    FaultKind(
        "llm-unavailable",
        "the model service answers every turn with status: 503 (F-31), or 429 for a drained quota (F-30)",
        parameters=MappingProxyType({"status": 503}),
    ),
    FaultKind("llm-billing", "the model service refuses every turn for lack of credit (F-32)"),
    FaultKind("prompt-not-seeded", "the concierge gets no system-prompt.md; the runtime only warns"),
)

FAULTS: tuple[FaultKind, ...] = (*_IMAGES, *_DELIVERY, *_SERVER, *_AGENT)
"""The faults of this area."""
