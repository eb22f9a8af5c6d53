"""Chat turns on their way to the agent."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.twin.listener import Listener, bind_loopback
from e2e.twin.wire import Answer, Application, Call, Route

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


def test_nothing_is_in_the_queue(desk: Any, online: str) -> None:
    status, answer = desk.admin("GET", f"/workspaces/{online}/a2a/queue/q1")
    assert (status, answer["retryable"]) == (404, True)
