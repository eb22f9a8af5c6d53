"""What reaches the concierge's container, with faults: environment, config files, the declared plugin, the plan."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.faults.plan import Fault, FaultPlan

SOURCE = load_contract().plugin_source
SECRETS = ("MOLECULE_TEMPLATE_REPO_TOKEN", "GIT_HTTP_USERNAME", "GIT_HTTP_PASSWORD")
Provision = dict[str, Any]


@pytest.fixture
def provision(make_desk: Callable[..., Any]) -> Callable[..., Provision]:
    """Returns what the control plane is asked for a concierge while the given faults are on."""

    def provision(*faults: str) -> Provision:
        desk = make_desk(*faults)
        desk.install_concierge()
        asked: Provision = desk.control_plane.provisions[0]
        return asked

    return provision


def _config(asked: Provision, name: str) -> str:
    import base64

    return base64.b64decode(asked["config_files"][name]).decode()


def test_the_container_is_told_the_plan_that_the_platform_follows(make_desk: Callable[..., Any]) -> None:
    fault = Fault("heartbeat-stopped", 30.0, 60.0, {"beats": 2.0})
    desk = make_desk("heartbeat-stopped:begin=30,heal=60,beats=2")
    desk.install_concierge()

    told = json.loads(desk.control_plane.provisions[0]["env"]["TWIN_FAULT_PLAN"])

    assert FaultPlan.from_json(told) == desk.tenant.faults.plan
    assert FaultPlan.from_json(told).faults == (fault,)


def test_an_ordinary_workspace_is_not_told_of_any_fault(make_desk: Callable[..., Any]) -> None:
    desk = make_desk("heartbeat-stopped", "plugin-fetch-failed", "prompt-not-seeded")
    status, _ = desk.admin("POST", "/workspaces", {"name": "worker", "model": "moonshot/kimi-k2.6"})
    assert status == 201
    desk.until(lambda: desk.control_plane.provisions)

    (asked,) = desk.control_plane.provisions
    assert "TWIN_FAULT_PLAN" not in asked["env"]
    assert asked["env"]["MOLECULE_TEMPLATE_REPO_TOKEN"]
    assert "system-prompt.md" in asked["config_files"]


def test_without_faults_the_concierge_gets_everything(provision: Callable[..., Provision]) -> None:
    asked = provision()

    assert set(SECRETS) | {"LLM_PROVIDER"} <= set(asked["env"])
    assert set(asked["config_files"]) == {"config.yaml", "system-prompt.md"}
    assert 'runtime: "claude-code"' in _config(asked, "config.yaml")
    assert asked["env"]["MOLECULE_DECLARED_PLUGINS"] == SOURCE


def test_a_concierge_without_credential_for_the_forge_has_none_of_its_names(
    provision: Callable[..., Provision],
) -> None:
    assert not set(SECRETS) & set(provision("plugin-fetch-failed")["env"])


def test_a_concierge_that_is_not_configured_lacks_only_the_provider(provision: Callable[..., Provision]) -> None:
    assert set(provision()["env"]) - set(provision("agent-not-configured")["env"]) == {"LLM_PROVIDER"}


def test_a_prompt_that_is_not_seeded_is_no_config_file(provision: Callable[..., Provision]) -> None:
    assert set(provision("prompt-not-seeded")["config_files"]) == {"config.yaml"}


def test_another_runtime_is_named_in_the_config(provision: Callable[..., Provision]) -> None:
    asked = provision("settings-wrong-runtime-path")

    assert 'runtime: "codex"' in _config(asked, "config.yaml")
    assert asked["runtime"] == "claude-code"


@pytest.mark.parametrize(
    ("fault", "source"),
    [
        ("plugin-source-unsupported", "presign://molecule-ai-plugin-molecule-platform-mcp"),
        ("plugin-ref-unpinned", SOURCE.partition("#")[0]),
    ],
)
def test_the_plugin_is_declared_as_the_fault_has_it(make_desk: Callable[..., Any], fault: str, source: str) -> None:
    desk = make_desk(fault)
    desk.install_concierge()

    assert desk.control_plane.provisions[0]["env"]["MOLECULE_DECLARED_PLUGINS"] == source
    (row,) = desk.tenant.database.rows("SELECT source FROM workspace_declared_plugins")
    assert row["source"] == source
