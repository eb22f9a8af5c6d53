"""A whole image booted as real processes against a recording tenant."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.images import BEFORE_FIX_IMAGE

CONTRACT = load_contract()
HEARTBEAT = ("POST", "/registry/heartbeat")
REGISTER = ("POST", "/registry/register")
Start = Callable[..., Any]


@pytest.mark.parametrize("light_mcp", [False, True], ids=["sdk", "light"])
def test_a_concierge_registers_and_reports_presence_and_tools_from_the_first_heartbeat_on(
    start: Start, tenant: Any, light_mcp: bool
) -> None:
    container = start(light_mcp=light_mcp)

    (registration,) = tenant.wait_for(*REGISTER)
    first, second = tenant.wait_for(*HEARTBEAT, count=2)

    body = registration.document
    assert body["id"] == container.environment["WORKSPACE_ID"]
    assert re.fullmatch(r"http://localhost:\d+", body["url"])
    assert body["agent_card"]["url"] == body["url"]
    assert body["agent_card"]["configuration_status"] == "ready"
    assert body[CONTRACT.runtime_present_field] is True
    for beat in (first, second):
        assert beat.document[CONTRACT.runtime_present_field] is True
        assert CONTRACT.required_tool_id in beat.document[CONTRACT.loaded_mcp_tools_field]
        assert beat.document["workspace_id"] == body["id"]
        assert beat.document["agent_card"] == body["agent_card"]


def test_registration_carries_the_origin_and_heartbeats_the_token_that_it_brought(start: Start, tenant: Any) -> None:
    container = start(kind="workspace")

    (registration,), (beat,) = tenant.wait_for(*REGISTER), tenant.wait_for(*HEARTBEAT)

    assert registration.headers["origin"] == tenant.url
    assert "authorization" not in registration.headers
    assert beat.headers["authorization"] == "Bearer workspace-token"
    for name, secret in ((".auth_token", "workspace-token"), (".platform_inbound_secret", "inbound")):
        path = container.configs / name
        assert path.read_text() == secret
        assert path.stat().st_mode & 0o777 == 0o600
    assert "Saved workspace auth token (value=[REDACTED])" in container.log
    assert "workspace-token" not in container.log


def test_a_boot_tells_its_story_in_the_lines_of_the_platform(start: Start, tenant: Any) -> None:
    container = start()
    container.wait_for_line("Uvicorn running")

    lines = container.log.splitlines()
    wanted = [
        "----- entrypoint boot ",
        "user=root",
        "workspace_id=11111111-2222-4333-8444-555555555555",
        "configs_dir: drwx",
        "configs_contents: config.yaml ",
        "env CLAUDE_CODE_OAUTH_TOKEN=unset",
        "env DEEPSEEK_API_KEY=unset",
        "-" * 48,
        "MOLECULE-RESTORE: no /dev/xvdb — first-time provision or no backup snapshot, skipping",
        f"[plugins] installed {CONTRACT.plugin_declared_name} <- {CONTRACT.plugin_source}",
        "----- entrypoint boot ",
        "user=agent",
        "configs_contents: config.yaml plugins ",
        "-" * 48,
        "wrote /home/agent/.netrc (mode 600) for git.moleculesai.app",
        "llm-auth: no ANTHROPIC_AUTH_TOKEN set",
        "Preflight checks:",
        "[WARN] Prompt file: Missing prompt file: system-prompt.md",
        "  Fix: Add the file or remove it from prompt_files.",
        "Governance: disabled (set governance.enabled: true in config.yaml to activate)",
        "Runtime: claude-code (Claude Code)",
        "Registered with platform: 200",
        "Saved workspace auth token (value=[REDACTED])",
        "Saved platform_inbound_secret (value=[REDACTED])",
        "Workspace 11111111-2222-4333-8444-555555555555 starting on port ",
        "INFO:     Uvicorn running on http://0.0.0.0:",
    ]
    remaining = iter(lines)
    missing = next((text for text in wanted if not any(text in line for line in remaining)), None)
    assert missing is None, f"{missing!r} is not where it belongs in:\n{container.log}"


def test_a_seeded_system_prompt_leaves_no_preflight_block(start: Start) -> None:
    container = start(kind="workspace", config="name: A\nprompt_files: [config.yaml]\n")
    container.wait_for_line("Governance: disabled")

    assert "Preflight checks:" not in container.log


def test_the_plugin_is_fetched_with_the_repository_token(start: Start, tenant: Any) -> None:
    start()
    path = f"/api/v1/repos/molecule-ai/{CONTRACT.plugin_declared_name}/archive/main.tar.gz"

    (fetch,) = tenant.wait_for("GET", path)

    assert fetch.headers["authorization"] == "token repository-token"


def test_a_plugin_that_cannot_be_fetched_leaves_the_concierge_without_its_server(start: Start, tenant: Any) -> None:
    source = "gitea://molecule-ai/no-such-plugin#main"
    container = start(MOLECULE_DECLARED_PLUGINS=source)

    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert f"[plugins] fetch/extract failed: {source}" in container.log
    assert beat.document[CONTRACT.runtime_present_field] is False
    assert CONTRACT.loaded_mcp_tools_field not in beat.document


def test_the_image_before_the_fix_reports_absence_though_its_tools_are_loaded(start: Start, tenant: Any) -> None:
    container = start(image=BEFORE_FIX_IMAGE)

    (registration,), (beat,) = tenant.wait_for(*REGISTER), tenant.wait_for(*HEARTBEAT)

    settings = json.loads((container.configs / ".claude" / "settings.json").read_text())
    assert CONTRACT.mcp_server_name in settings[CONTRACT.key]
    assert registration.document[CONTRACT.runtime_present_field] is False
    assert beat.document[CONTRACT.runtime_present_field] is False
    assert CONTRACT.required_tool_id in beat.document[CONTRACT.loaded_mcp_tools_field]


def test_a_refused_registration_is_one_attempt_and_one_line_and_the_boot_goes_on(start: Start, tenant: Any) -> None:
    tenant.answers[REGISTER] = (400, {"error": "platform agent identity incomplete"})
    container = start()

    tenant.wait_for(*HEARTBEAT, count=2)

    assert len(tenant.requests(*REGISTER)) == 1
    line = (
        "Register: HTTP 400 is a client error (misconfiguration) — not retrying; "
        "proceeding (heartbeat backfill is the recovery path)"
    )
    assert container.log.splitlines().count(line) == 1
    assert container.ask("hello").startswith("Hello.")


def test_heartbeats_go_on_whatever_the_platform_answers_to_them(start: Start, tenant: Any) -> None:
    tenant.answers[HEARTBEAT] = (401, {"error": "invalid workspace auth token"})
    container = start(kind="workspace")

    tenant.wait_for(*HEARTBEAT, count=3)

    assert "Heartbeat" not in container.log


def test_asked_in_plain_english_the_agent_creates_a_workspace_through_its_own_server(start: Start, tenant: Any) -> None:
    container = start()

    reply = container.ask('Please create a workspace named "e2e-nonce" with model "moonshot/kimi-k2.6".')

    (create,) = tenant.requests("POST", "/workspaces")
    assert create.document == {"name": "e2e-nonce", "model": "moonshot/kimi-k2.6"}
    assert create.headers["authorization"] == "Bearer tenant-key"
    assert create.headers["x-molecule-org-id"] == "org-1"
    assert "new-id" in reply
    assert "minted-token" not in reply


def test_a_refused_creation_is_told_in_the_reply(start: Start, tenant: Any) -> None:
    tenant.answers["POST", "/workspaces"] = (422, {"code": "MODEL_REQUIRED"})

    reply = start().ask('Create a workspace named "x".')

    assert "HTTP 422" in reply
    assert "MODEL_REQUIRED" in reply
    assert len(tenant.requests("POST", "/workspaces")) == 1


def test_without_the_organisations_key_the_tool_answers_auth_error_and_sends_nothing(start: Start, tenant: Any) -> None:
    reply = start(MOLECULE_ORG_API_KEY=None).ask('Create a workspace named "x".')

    assert "AUTH_ERROR" in reply
    assert not tenant.requests("POST", "/workspaces")


def test_asked_for_its_tools_the_agent_names_what_its_server_listed(start: Start, tenant: Any) -> None:
    container = start()
    tenant.wait_for(*HEARTBEAT)

    assert CONTRACT.required_tool_id in container.ask("Which tools do you have?")


def test_an_ordinary_workspace_has_no_tools_and_says_so(start: Start, tenant: Any) -> None:
    container = start(kind="workspace")

    assert "I don't have a `create_workspace` tool" in container.ask('Create a workspace named "x".')
    (beat,) = tenant.wait_for(*HEARTBEAT)
    assert CONTRACT.loaded_mcp_tools_field not in beat.document
    assert beat.document[CONTRACT.runtime_present_field] is False
    assert not (container.configs / ".claude").exists()


def test_an_agent_without_a_registered_provider_is_online_but_refuses_every_turn(start: Start, tenant: Any) -> None:
    container = start(kind="workspace", LLM_PROVIDER=None)

    status, answer = container.send({"jsonrpc": "2.0", "id": "7", "method": "message/send", "params": {}})

    assert status == 503
    assert (answer["id"], answer["error"]["code"]) == ("7", -32603)
    assert answer["error"]["message"] == "Internal error: agent not configured"
    (registration,) = tenant.wait_for(*REGISTER)
    assert registration.document["agent_card"]["configuration_status"] == "not_configured"
    assert "WARNING: adapter.setup() failed" in container.log


def test_a_server_that_died_is_restarted_once(start: Start, tenant: Any) -> None:
    container = start()
    tenant.wait_for(*HEARTBEAT)

    _kill_server(container)
    assert "new-id" in container.ask('Create a workspace named "one".')
    _kill_server(container)
    assert "restarted once already" in container.ask('Create a workspace named "two".')


def test_a_container_without_config_dies(start: Start) -> None:
    container = start(kind="workspace", WORKSPACE_CONFIG_PATH="/configs/nowhere")

    assert container.process.wait(30) != 0
    assert "Config file not found" in container.log


def test_sigterm_ends_the_runtime_and_its_server(start: Start, tenant: Any) -> None:
    container = start()
    tenant.wait_for(*HEARTBEAT)
    server = _server_process(container)

    container.process.send_signal(signal.SIGTERM)

    assert container.process.wait(10) == 0
    assert not Path(f"/proc/{server}").exists()


def test_the_port_and_the_url_can_be_given(start: Start, tenant: Any, unused_port: int) -> None:
    start(kind="workspace", PORT=str(unused_port), MOLECULE_WORKSPACE_URL="https://ws.example.test")

    (registration,) = tenant.wait_for(*REGISTER)

    assert registration.document["url"] == "https://ws.example.test"


def test_an_agent_of_its_own_user_owns_its_files(start: Start, tenant: Any, agent_uid: int | None) -> None:
    container = start()
    tenant.wait_for(*HEARTBEAT)
    owner = os.geteuid() if agent_uid is None else agent_uid

    for name in (".auth_token", ".claude/settings.json", "plugins", "config.yaml"):
        assert (container.configs / name).stat().st_uid == owner
    assert Path(f"/proc/{container.process.pid}").stat().st_uid == owner


@pytest.fixture
def unused_port() -> int:
    """A port that was free a moment ago."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _server_process(container: Any) -> int:
    """The pid of the runtime's own management server."""
    children = Path(f"/proc/{container.process.pid}/task").glob("*/children")
    return next(int(pid) for path in children for pid in path.read_text().split())


def _kill_server(container: Any) -> None:
    pid = _server_process(container)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        pass
