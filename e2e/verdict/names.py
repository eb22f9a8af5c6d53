"""The names in the environment that mean something to the harness, and those of the scripts it replaces."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

OURS: Final[frozenset[str]] = frozenset(
    {
        "E2E_REQUIRE_LIVE",
        "E2E_TARGET",
        "E2E_RUN_ID",
        "E2E_KEEP_ORG",
        "E2E_STATE_DIR",
        "E2E_AWS_ACCOUNT",
        "E2E_FREEZE",
        "E2E_AWS_REGION",
        "E2E_PROVISION_TIMEOUT_SECS",
        "E2E_CONCIERGE_ONLINE_SECS",
        "E2E_AGENT_ACT_SECS",
        "E2E_MCP_READY_SECS",
        "E2E_TERMINAL_SETTLE_SECS",
    }
)
"""The E2E_ names that are read."""

RENAMED: Final[Mapping[str, str]] = {
    "CP_BASE_URL": "MOLECULE_CP_URL",
    "CP_ADMIN_API_TOKEN": "MOLECULE_ADMIN_TOKEN",
    "STAGING_TENANT_DOMAIN": "MOLECULE_TENANT_DOMAIN",
    "STAGING_TENANT_SUBDOMAIN_SUFFIX": "MOLECULE_TENANT_DOMAIN",
}
"""Older names that are honoured, and the name each stands for (docs/platform.md, environment)."""

_MODEL: Final = "the model comes from the delivery contract"
_PROVED: Final = "absence on EC2 is always proven after teardown, within the teardown budget"
_PART: Final = "it belongs to a test that this harness does not contain"

IGNORED: Final[Mapping[str, str]] = {
    "E2E_AWS_LEAK_CHECK": _PROVED,
    "E2E_AWS_LEAK_CHECK_SECS": _PROVED,
    "E2E_AWS_LEAK_CHECK_INTERVAL": _PROVED,
    "E2E_AWS_TERMINATE_LEAKS": "a leaked instance is reported; only sweep terminates",
    "E2E_RUNTIME": "the runtime is that of the scenario's template",
    "E2E_DEFAULT_RUNTIME": "the runtime is that of the scenario's template",
    "E2E_MODE": "what is proven is said by the scenario",
    "E2E_LIFECYCLE": "what is proven is said by the scenario",
    "E2E_INTENTIONAL_FAILURE": "faults are switched on in the twin, by a scenario",
    "E2E_LLM_PATH": _MODEL,
    "E2E_MODEL_SLUG": _MODEL,
    "E2E_DEFAULT_PLATFORM_MODEL": _MODEL,
    "E2E_MINIMAX_API_KEY": _MODEL,
    "E2E_ANTHROPIC_API_KEY": _MODEL,
    "E2E_OPENAI_API_KEY": _MODEL,
    "E2E_GOOGLE_API_KEY": _MODEL,
    "E2E_LLM_PROXY_URL": _MODEL,
    "E2E_LLM_PROXY_TIMEOUT": _MODEL,
    "E2E_WORKSPACE_ONLINE_TIMEOUT_SECS": _PART,
    "E2E_CHILD_ACTIVITY_TIMEOUT_SECS": _PART,
    "E2E_INFRA_BACKEND": "hosts are discovered, never assumed",
    "E2E_PROVIDER": "hosts are discovered, never assumed",
    "E2E_ASSERT_MGMT_MCP_CALLABLE": "it is always proven",
    "E2E_EXPECT_TENANT_BUILD_SHA": "the build goes into the verdict as provenance",
    "E2E_SELF_REPORT_POLL_SECS": "presence is read from the installed runtime, not polled",
    "STAGING_E2E": "the target is chosen by E2E_TARGET, and demanded by E2E_REQUIRE_LIVE",
    "GUARD_B_REQUIRE_CALLABLE": "it is always proven",
}
"""Older names that have no meaning any more, and why (docs/platform.md, environment)."""

_NEAR: Final = 0.85


def near_miss(name: str) -> str | None:
    """Return the name of ours that ``name`` was probably meant to be, or None.

    Only names that begin with ``E2E`` in any spelling are looked at, and not those that are known.
    """
    upper = name.upper().replace("-", "_")
    if not upper.startswith("E2E") or name in OURS or name in IGNORED:
        return None
    matches = get_close_matches(upper, sorted(OURS), n=1, cutoff=_NEAR)
    return matches[0] if matches else None
