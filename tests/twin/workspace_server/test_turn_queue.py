"""Chat turns that are queued with an id."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.twin.listener import Listener, bind_loopback
from e2e.twin.wire import Answer, Application, Call, Route

MESSAGE = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": {"parts": []}}}


@pytest.fixture(scope="module")
def agent() -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    def answer(call: Call) -> Answer:
        heard.append(call.json_object())
        return Answer(200, {"jsonrpc": "2.0", "result": {"kind": "message"}})

    listener = Listener(Application([Route("POST", "/", answer)]), bind_loopback(0))
    yield listener.start().replace("127.0.0.1", "localhost"), heard
    listener.stop()


def send(desk: Any, workspace_id: str) -> tuple[int, Any]:
    org = {"X-Molecule-Org-Id": desk.tenant.configuration.org_id}
    return desk.call("POST", f"/workspaces/{workspace_id}/a2a", MESSAGE, org)  # type: ignore[no-any-return]


def item(desk: Any, workspace_id: str, queue_id: str) -> tuple[int, Any]:
    return desk.admin("GET", f"/workspaces/{workspace_id}/a2a/queue/{queue_id}")  # type: ignore[no-any-return]


def test_a_queued_turn_reaches_the_agent_once_and_its_answer_can_be_fetched(
    make_desk: Any, agent: tuple[str, list[Any]]
) -> None:
    url, heard = agent
    desk = make_desk("agent-queued:status=202")
    concierge = desk.install_concierge()
    desk.register(concierge, url=url)
    status, answer = send(desk, concierge)
    assert (status, answer["queued"], answer["queue_depth"]) == (202, True, 1)
    desk.until(lambda: item(desk, concierge, answer["queue_id"])[1]["status"] == "completed")
    _, done = item(desk, concierge, answer["queue_id"])
    assert (done["attempts"], done["last_error"]) == (1, "")
    assert json.loads(done["response_body"])["result"] == {"kind": "message"}
    assert heard == [MESSAGE]
    assert desk.row(concierge)["last_outbound_at"] is not None
    assert desk.acted() == ["agent-queued"]


def test_a_queued_turn_of_an_agent_that_is_not_there_fails_in_the_queue(make_desk: Any) -> None:
    desk = make_desk("agent-queued:status=202")
    concierge = desk.install_concierge()
    desk.register(concierge, url="http://localhost:9")
    _, answer = send(desk, concierge)
    desk.until(lambda: item(desk, concierge, answer["queue_id"])[1]["status"] == "failed")
    assert item(desk, concierge, answer["queue_id"])[1]["last_error"]


def test_a_queued_turn_of_a_removed_workspace_is_dropped(make_desk: Any) -> None:
    desk = make_desk("agent-queued:status=202")
    concierge = desk.install_concierge()
    desk.register(concierge)
    _, answer = send(desk, concierge)
    desk.tenant.database.execute("UPDATE workspaces SET status = 'removed'")
    desk.until(lambda: item(desk, concierge, answer["queue_id"])[1]["status"] == "dropped")


def test_an_unknown_queue_id_may_be_asked_for_again(desk: Any, concierge: str) -> None:
    status, answer = item(desk, concierge, str(uuid.uuid4()))
    assert (status, answer) == (404, {"error": "queue item not found", "retryable": True})


def test_a_queue_id_belongs_to_its_workspace(make_desk: Any) -> None:
    desk = make_desk("agent-queued:status=202")
    concierge, worker = desk.install_concierge(), desk.order()
    desk.register(concierge)
    _, answer = send(desk, concierge)
    assert item(desk, worker, answer["queue_id"])[0] == 404
