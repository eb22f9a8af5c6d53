"""What the platform can do wrong when it prepares the concierge's container (docs/platform.md, provision hook)."""

import json
from collections.abc import Mapping

from e2e.twin.faults.plan import FaultSwitch

PLAN_VARIABLE = "TWIN_FAULT_PLAN"
"""The variable that hands the fault plan into the container, where the runtime follows it too."""

_WHERE = "concierge provision"
_REPOSITORY_SECRETS = frozenset({"MOLECULE_TEMPLATE_REPO_TOKEN", "GIT_HTTP_USERNAME", "GIT_HTTP_PASSWORD"})


def disturbed_environment(faults: FaultSwitch, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the concierge's environment with what the faults take from it, and the plan of those that act inside."""
    missing: frozenset[str] = frozenset()
    if faults.acts("plugin-fetch-failed", _WHERE):
        missing |= _REPOSITORY_SECRETS
    if faults.acts("agent-not-configured", _WHERE):
        missing |= {"LLM_PROVIDER"}
    if faults.acts("mcp-auth-error", _WHERE):
        missing |= {"MOLECULE_ORG_API_KEY"}
    kept = {name: value for name, value in environment.items() if name not in missing}
    return kept | {PLAN_VARIABLE: json.dumps(faults.plan.to_json())}


def disturbed_files(faults: FaultSwitch, files: Mapping[str, str]) -> dict[str, str]:
    """Return the concierge's config files with what the faults do to them."""
    disturbed = dict(files)
    if faults.acts("prompt-not-seeded", _WHERE):
        del disturbed["system-prompt.md"]
    if faults.acts("settings-wrong-runtime-path", _WHERE):
        disturbed["config.yaml"] = disturbed["config.yaml"].replace('runtime: "claude-code"', 'runtime: "codex"')
    return disturbed


def disturbed_source(faults: FaultSwitch, source: str) -> str:
    """Return the source that the management plugin is declared with."""
    if faults.acts("plugin-source-unsupported", "plugin declaration"):
        return "presign://" + source.partition("#")[0].rpartition("/")[2]
    if faults.acts("plugin-ref-unpinned", "plugin declaration"):
        return source.partition("#")[0]
    return source
