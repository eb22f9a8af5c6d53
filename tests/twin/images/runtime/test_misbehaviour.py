"""Whole containers that misbehave: the agent that hangs, the heart that stops, the tools that are not seen."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()
CREATE = ("POST", "/workspaces")
HEARTBEAT = ("POST", "/registry/heartbeat")
ORDER = 'Please create a workspace named "nonce" with the model "moonshot/kimi-k2.6".'
Start = Callable[..., Any]


@pytest.mark.parametrize("beats", [1, 3])
def test_a_heart_that_stops_has_beaten_as_often_as_was_asked_for(
    start: Start, tenant: Any, switch_on: Any, beats: int
) -> None:
    fault = switch_on(f"heartbeat-stopped:beats={beats}")
    container = start(**fault.environment)
    deadline = time.monotonic() + 30
    while fault.acted["heartbeat-stopped"] < 3:
        assert time.monotonic() < deadline, container.log

    assert len(tenant.requests(*HEARTBEAT)) == beats
    assert container.ask("hello").startswith("Hello.")


def test_a_heart_that_heals_beats_again(start: Start, tenant: Any, switch_on: Any) -> None:
    start(**switch_on("heartbeat-stopped:beats=0,heal=300").environment)

    tenant.wait_for(*HEARTBEAT, count=2)


def test_a_turn_that_hangs_makes_the_heartbeat_say_wedged_until_it_heals(
    start: Start, tenant: Any, switch_on: Any
) -> None:
    container = start(**switch_on("agent-wedged:heal=800").environment)
    (healthy,) = tenant.wait_for(*HEARTBEAT)
    replies: list[str] = []
    turn = threading.Thread(target=lambda: replies.append(container.ask(ORDER)))
    turn.start()

    wedged = _wait_for_beat(tenant, lambda beat: "runtime_state" in beat)
    turn.join(30)
    _wait_for_beat(tenant, lambda beat: "runtime_state" not in beat and beat["active_tasks"] == 0, after=wedged)

    assert "runtime_state" not in healthy.document
    assert (wedged["runtime_state"], wedged["sample_error"]) == ("wedged", "Control request timeout: initialize")
    assert wedged["active_tasks"] == 1
    assert "new-id" in replies[0]


@pytest.mark.parametrize(
    "request_head", ["GET /.well-known/agent-card.json HTTP/1.1", "POST / HTTP/1.1\r\nContent-Length: 0"]
)
def test_a_blocked_event_loop_answers_nobody_and_the_heart_goes_on(
    start: Start, tenant: Any, switch_on: Any, request_head: str
) -> None:
    fault = switch_on("event-loop-blocked")
    container = start(**fault.environment)
    port = int(container.wait_for_line("starting on port").rsplit(" ", 1)[1])
    container.wait_for_line("Uvicorn running")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"{request_head}\r\nHost: x\r\n\r\n".encode())
        seen = len(tenant.requests(*HEARTBEAT))
        tenant.wait_for(*HEARTBEAT, count=seen + 3)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)

    assert fault.acted == {"event-loop-blocked": 1}
    assert all("runtime_state" not in beat.document for beat in tenant.requests(*HEARTBEAT))


def test_an_agent_that_ignores_the_settings_reports_and_has_no_tools(start: Start, tenant: Any, switch_on: Any) -> None:
    fault = switch_on("agent-cannot-see-tool")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert beat.document[CONTRACT.runtime_present_field] is True
    assert beat.document[CONTRACT.loaded_mcp_tools_field] == []
    assert "I don't have a `create_workspace` tool" in container.ask(ORDER)
    assert container.ask("Which tools do you have?") == "I have no tools of my own."
    assert tenant.requests(*CREATE) == []
    assert fault.acted == {"agent-cannot-see-tool": 1}


def test_another_runtime_does_not_read_the_settings_of_claude_code(start: Start, tenant: Any) -> None:
    container = start(config='name: Acme Agent\nruntime: "codex"\n')
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert "Runtime: codex (codex)" in container.log.splitlines()
    assert beat.document[CONTRACT.runtime_present_field] is True
    assert CONTRACT.loaded_mcp_tools_field not in beat.document
    assert "I don't have a `create_workspace` tool" in container.ask(ORDER)


def test_a_handshake_that_comes_too_late_leaves_the_tools_unknown(start: Start, tenant: Any, switch_on: Any) -> None:
    fault = switch_on("mcp-handshake-timeout:seconds=6000")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert CONTRACT.loaded_mcp_tools_field not in beat.document
    assert f"management MCP {CONTRACT.mcp_server_name!r}: handshake timed out" in container.log


def test_a_server_that_dies_at_start_is_told_as_one_that_failed_to_launch(
    start: Start, tenant: Any, switch_on: Any
) -> None:
    fault = switch_on("mcp-launch-failed")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert CONTRACT.loaded_mcp_tools_field not in beat.document
    told = f"#1027 CRITICAL: management MCP {CONTRACT.mcp_server_name!r} FAILED TO LAUNCH "
    assert told + "(exit=1 Error: Tool create_request is already registered)" in container.log
    assert fault.acted == {"mcp-launch-failed": 1}


def test_noise_on_the_servers_output_is_passed_over(start: Start, tenant: Any, switch_on: Any) -> None:
    fault = switch_on("noise-in-mcp-stdout")
    container = start(**fault.environment)
    (beat,) = tenant.wait_for(*HEARTBEAT)

    assert CONTRACT.required_tool_id in beat.document[CONTRACT.loaded_mcp_tools_field]
    assert "new-id" in container.ask(ORDER)
    assert fault.acted["noise-in-mcp-stdout"] >= 2


def _wait_for_beat(tenant: Any, wanted: Callable[[Any], bool], after: object = None) -> Any:
    """The first heartbeat that is ``wanted``, of those that came after ``after``."""
    passed = 0
    while True:
        beats = [request.document for request in tenant.requests(*HEARTBEAT)]
        start = beats.index(after) + 1 if after is not None else 0
        found = next((beat for beat in beats[start:] if wanted(beat)), None)
        if found is not None:
            return found
        passed = len(beats)
        tenant.wait_for(*HEARTBEAT, count=passed + 1)
