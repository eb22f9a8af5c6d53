"""Chat turns on their way to the agent."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.twin.listener import Listener, bind_loopback
from e2e.twin.wire import Answer, Application, Call, Route
from e2e.twin.workspace_server.agent_proxy import BusyError

MESSAGE = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": {"parts": []}}}
RELEASE = threading.Event()


def agent_answer(call: Call) -> Answer:
    document = call.json_object() or {}
    match document.get("id"):
        case "empty":
            return Answer(200)
        case "slow":
            RELEASE.wait(5)
        case "broken":
            return Answer(503, {"jsonrpc": "2.0", "error": {"code": -32603}})
    return Answer(200, {"jsonrpc": "2.0", "id": document.get("id"), "result": {"kind": "message"}})


@pytest.fixture(scope="module")
def agent() -> Iterator[str]:
    listener = Listener(Application([Route("POST", "/", agent_answer)]), bind_loopback(0))
    yield listener.start().replace("127.0.0.1", "localhost")
    RELEASE.set()
    listener.stop()


@pytest.fixture
def online(desk: Any, concierge: str, agent: str) -> str:
    payload = {"id": concierge, "agent_card": {}, "url": agent, "mcp_server_present": True}
    assert desk.call("POST", "/registry/register", payload)[0] == 200
    return concierge


def send(desk: Any, workspace_id: str, document: object = MESSAGE, **headers: str) -> tuple[int, Any]:
    org = {"X-Molecule-Org-Id": desk.tenant.configuration.org_id}
    return desk.call("POST", f"/workspaces/{workspace_id}/a2a", document, org | headers)  # type: ignore[no-any-return]


def test_the_agents_answer_comes_back_and_is_remembered(desk: Any, online: str) -> None:
    assert send(desk, online) == (200, {"jsonrpc": "2.0", "id": "1", "result": {"kind": "message"}})
    assert desk.row(online)["last_outbound_at"] is not None


def test_an_agent_that_is_not_configured_answers_for_itself(desk: Any, online: str) -> None:
    assert send(desk, online, MESSAGE | {"id": "broken"})[0] == 503
    assert desk.row(online)["last_outbound_at"] is None


def test_an_empty_answer_is_a_502(desk: Any, online: str) -> None:
    assert send(desk, online, MESSAGE | {"id": "empty"}) == (502, {"error": "agent returned empty response body"})


def test_a_turn_that_outlives_the_budget_is_queued(desk: Any, online: str) -> None:
    RELEASE.clear()
    answer = send(desk, online, MESSAGE | {"id": "slow"})
    RELEASE.set()
    assert answer == (200, {"status": "queued", "delivery_mode": "push-async", "method": "message/send"})
    assert desk.tenant.background.stop()


def test_an_agent_that_is_not_there_is_a_502(desk: Any, online: str) -> None:
    desk.tenant.database.execute("UPDATE workspaces SET url = 'http://localhost:9'")
    assert send(desk, online) == (502, {"error": "failed to reach workspace agent"})


def test_without_a_url_the_status_is_told(desk: Any, concierge: str) -> None:
    assert send(desk, concierge) == (503, {"error": "workspace has no URL", "status": "provisioning"})


def test_a_poll_mode_agent_fetches_its_messages_itself(desk: Any, online: str) -> None:
    desk.tenant.database.execute("UPDATE workspaces SET delivery_mode = 'poll'")
    assert send(desk, online)[1]["delivery_mode"] == "poll"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ([], "invalid JSON"),
        ({"method": "message/send"}, "invalid A2A body"),
        (
            {"method": "message/send", "params": {"message": {}}},
            "params.message must contain either 'parts' (v0.3) or 'content' (v0.2 compat)",
        ),
    ],
)
def test_a_body_that_is_no_turn_is_refused(desk: Any, online: str, document: object, error: str) -> None:
    assert send(desk, online, document) == (400, {"error": error})


def test_an_agent_that_names_itself_needs_its_token(desk: Any, online: str) -> None:
    assert send(desk, online, **{"X-Workspace-ID": online}) == (401, {"error": "missing caller auth token"})
    wrong = {"X-Workspace-ID": online, "Authorization": "Bearer nonsense"}
    assert send(desk, online, **wrong) == (401, {"error": "invalid caller auth token"})
    assert send(desk, online, **(wrong | {"X-Workspace-ID": "nobody"})) == (403, {"error": "invalid caller ID"})


def faulty(make_desk: Any, agent: str, *faults: str, **options: str) -> tuple[Any, str]:
    desk = make_desk(*faults, **options)
    concierge = desk.install_concierge()
    assert desk.register(concierge, url=agent)[0] == 200
    return desk, concierge


def test_a_queued_turn_without_an_id_acts_behind_its_answer(make_desk: Any, agent: str) -> None:
    desk, concierge = faulty(make_desk, agent, "agent-queued")
    answer = {"status": "queued", "delivery_mode": "push-async", "method": "message/send"}
    assert send(desk, concierge) == (200, answer)
    desk.until(lambda: desk.row(concierge)["last_outbound_at"])
    assert desk.acted() == ["agent-queued"]


def test_a_busy_agent_is_not_disturbed_until_it_is_healed(make_desk: Any, agent: str) -> None:
    desk, concierge = faulty(make_desk, agent, "agent-busy:heal=150000")
    assert send(desk, concierge) == (503, {"error": "workspace agent busy — retry after a short backoff"})
    assert desk.row(concierge)["last_outbound_at"] is None
    desk.clockwork.now = 1500.0
    assert send(desk, concierge)[0] == 200


def test_a_busy_answer_says_how_long_to_wait() -> None:
    _, headers = BusyError().answer.content()
    assert headers["retry-after"] == "30"


def test_each_turn_to_an_unreachable_agent_restarts_it(make_desk: Any, agent: str) -> None:
    desk, concierge = faulty(make_desk, agent, "agent-restarting")
    status, answer = send(desk, concierge)
    assert (status, answer["restarting"], answer["retry_after"]) == (503, True, 15)
    assert answer["error"] == "workspace agent unreachable — container restart triggered"
    assert desk.row(concierge)["status"] == "provisioning"
    send(desk, concierge)
    desk.until(lambda: desk.control_plane.restarted == [concierge, concierge])


def test_turns_with_ordinary_workspaces_meet_none_of_these(make_desk: Any, agent: str) -> None:
    desk = make_desk("agent-queued", "agent-busy", "agent-restarting")
    worker = desk.order()
    desk.register(worker, url=agent)
    assert send(desk, worker)[1] == {"jsonrpc": "2.0", "id": "1", "result": {"kind": "message"}}
    assert desk.acted() == []


def test_a_version_that_verifies_says_that_the_concierge_is_warming_up(make_desk: Any, agent: str) -> None:
    desk, concierge = faulty(make_desk, agent, gate="2026-06-26")
    warming = {
        "error": "concierge is warming up (verifying management tools) — retry shortly",
        "warming": True,
        "retry_after": 5,
    }
    assert send(desk, concierge) == (503, warming)
    required = desk.tenant.gate.required_tool_id(desk.tenant.contract)
    assert desk.beat(concierge, loaded_mcp_tools=[required]) == "online"
    assert send(desk, concierge)[0] == 200
