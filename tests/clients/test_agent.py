"""One chat turn over A2A: every kind of answer the platform is known to give, and what it allows to do next."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.clients.agent import TurnAnswer, chat, queued_turn, read_turn
from e2e.clients.errors import Unavailable
from e2e.clients.http import Answer, Exchange

PART = {"kind": "text", "text": "Done."}
MESSAGE = {"kind": "message", "role": "agent", "messageId": "m", "parts": [PART]}


@pytest.fixture
def exchange(platform: Any) -> Iterator[Exchange]:
    """Return an exchange with the server."""
    exchange = Exchange(platform.url, headers={}, timeout=2, unavailable="tenant-half-wired", refused="x")
    yield exchange
    exchange.close()


def turn(platform: Any, exchange: Exchange, answer: object, status: int = 200) -> TurnAnswer:
    platform.answers(answer, status=status)
    answered = chat(exchange, "w/1", "Please create one.", "m-1", timeout=2)
    assert len(platform.requests) == 1
    return answered


def test_a_turn_is_one_message_with_one_text_part(platform: Any, exchange: Exchange) -> None:
    turn(platform, exchange, {"jsonrpc": "2.0", "id": "m-1", "result": MESSAGE})
    (seen,) = platform.requests
    assert (seen.method, seen.path) == ("POST", "/workspaces/w%2F1/a2a")
    body = seen.json()
    assert (body["jsonrpc"], body["method"], body["id"]) == ("2.0", "message/send", "m-1")
    message = body["params"]["message"]
    assert (message["role"], message["messageId"]) == ("user", "m-1")
    assert message["parts"] == [{"kind": "text", "text": "Please create one."}]
    assert "X-Workspace-Id" not in {name.title() for name in seen.headers}


@pytest.mark.parametrize(
    "result",
    [
        MESSAGE,
        {"message": MESSAGE},
        {"status": {"message": MESSAGE}},
        {"artifacts": [{"parts": [PART]}]},
        {"artifacts": [{}, None, {"parts": [None, {"kind": "data"}, {"text": 1}, {"text": " "}, PART]}], "parts": 3},
    ],
    ids=["result", "message", "status", "artifacts", "among rubbish"],
)
def test_a_reply_is_found_in_every_place_where_agents_put_it(result: object, platform: Any, exchange: Exchange) -> None:
    answered = turn(platform, exchange, {"jsonrpc": "2.0", "id": "m-1", "result": result})
    assert answered == TurnAnswer("reply", 200, "Done.", queue_id=None, restarting=False)
    assert not answered.restarting


def test_several_parts_are_one_text(platform: Any, exchange: Exchange) -> None:
    result = {"parts": [PART, {"text": "Really."}], "artifacts": [{"parts": [{"text": "See?"}]}]}
    assert turn(platform, exchange, {"result": result}).text == "Done.\nReally.\nSee?"


@pytest.mark.parametrize(
    ("answer", "status", "queue_id"),
    [
        ({"status": "queued", "delivery_mode": "push-async", "method": "message/send"}, 200, None),
        ({"status": "queued", "delivery_mode": "poll"}, 200, None),
        ({"queued": True, "queue_id": "q-1", "queue_depth": 2, "message": "busy"}, 202, "q-1"),
        ({"queued": True, "queue_id": 7}, 200, "7"),
        ({}, 202, None),
    ],
)
def test_a_queued_turn_goes_on_without_us(
    answer: object, status: int, queue_id: str | None, platform: Any, exchange: Exchange
) -> None:
    answered = turn(platform, exchange, answer, status)
    assert (answered.kind, answered.status, answered.queue_id) == ("queued", status, queue_id)


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "workspace has no URL", "status": "provisioning"},
        {"error": "workspace is waking from hibernation \N{EM DASH} retry in ~15 seconds", "waking": True},
        {"error": "concierge is warming up (verifying management tools)", "warming": True, "retry_after": 5},
        {"error": "not now", "warming": True},
        {"error": "delivery-mode lookup failed; refusing to dispatch to avoid silent misrouting"},
    ],
)
def test_a_turn_that_was_never_dispatched_may_be_sent_again(answer: object, platform: Any, exchange: Exchange) -> None:
    answered = turn(platform, exchange, answer, 503)
    assert (answered.kind, answered.status, answered.restarting) == ("not_accepted", 503, False)


@pytest.mark.parametrize(
    ("answer", "restarting"),
    [
        ({"error": "workspace agent unreachable", "restarting": True, "retry_after": 15}, True),
        ({"error": "workspace container not running", "restarting": True, "preflight": True}, True),
        ({"error": "concierge is warming up", "warming": True, "restarting": True}, True),
        ({"error": "workspace agent busy \N{EM DASH} retry after a short backoff"}, False),
        ({}, False),
    ],
)
def test_a_503_that_changed_something_or_may_have_acted_is_never_repeated(
    answer: object, restarting: bool, platform: Any, exchange: Exchange
) -> None:
    answered = turn(platform, exchange, answer, 503)
    assert (answered.kind, answered.restarting) == ("lost", restarting)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
@pytest.mark.parametrize("answer", [b"<html>Bad Gateway</html>", b"", b"{", {"error": "failed to reach"}, [], "x"])
def test_a_gateways_error_may_hide_a_turn_that_acted(
    answer: object, status: int, platform: Any, exchange: Exchange
) -> None:
    assert turn(platform, exchange, answer, status).kind == "lost"


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        ({"error": {"code": -32000, "message": "Agent error: boom"}}, 200, "Agent error: boom"),
        ({"error": {"code": -32000}}, 200, "JSON-RPC error"),
        ({"error": "boom"}, 200, "boom"),
        ({"error": "invalid A2A body"}, 400, "invalid A2A body"),
        ({"error": "workspace budget limit exceeded"}, 402, "workspace budget limit exceeded"),
        ({"error": "workspace not found"}, 404, "workspace not found"),
        (b"<html>404</html>", 404, "<html>404</html>"),
        (b"<html>front end</html>", 200, "<html>front end</html>"),
        (b"", 200, ""),
        ([], 200, "the answer is not an object"),
        ({}, 200, "the reply has no text"),
        ({"result": None}, 200, "the reply has no text"),
        ({"result": "Done."}, 200, "the reply has no text"),
        ({"result": {"parts": []}}, 200, "the reply has no text"),
        ({"result": {"parts": [{"kind": "text", "text": "  "}]}}, 200, "the reply has no text"),
        ({"result": {"status": "done", "artifacts": "none"}}, 200, "the reply has no text"),
        ({"result": {"artifacts": []}, "error": None}, 200, "the reply has no text"),
    ],
)
def test_a_final_answer_without_a_reply_is_a_failed_turn(
    answer: object, status: int, text: str, platform: Any, exchange: Exchange
) -> None:
    answered = turn(platform, exchange, answer, status)
    assert (answered.kind, answered.status, answered.text) == ("failed", status, text)


@pytest.mark.parametrize("how", ["reset", "cut", "hang", "garbage"])
def test_a_turn_without_an_answer_is_sent_once_and_may_have_acted(how: str, platform: Any, exchange: Exchange) -> None:
    platform.breaks_off(how)
    with pytest.raises(Unavailable):
        chat(exchange, "w-1", "Please.", "m-1", timeout=0.3)
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Agent error: boom", True),
        ("AGENT ERROR", True),
        ("MISSING_BYOK_CREDENTIAL", True),
        ("insufficient_quota", True),
        ("I called create_workspace.", False),
        ("", False),
    ],
)
def test_an_error_that_comes_as_an_ordinary_reply_is_known_by_its_words(text: str, error: bool) -> None:
    assert TurnAnswer("reply", 200, text).looks_like_an_error is error


def test_an_answer_can_be_read_without_a_server() -> None:
    assert read_turn(Answer(200, {}, b"[" * 100_000)).kind == "failed"


@pytest.mark.parametrize(
    ("document", "status", "kind", "text"),
    [
        ({"status": "queued"}, 200, "queued", "queued: queued"),
        ({"status": "dispatched"}, 200, "queued", "queued: dispatched"),
        ({"error": "no such item", "retryable": True}, 404, "queued", "queued"),
        ({"error": "boom"}, 500, "queued", "queued"),
        (b"<html>", 200, "queued", "queued"),
        ([], 200, "queued", "queued"),
        ({"status": "failed", "last_error": "boom"}, 200, "failed", "the queued turn was failed: boom"),
        ({"status": "completed", "response_body": {"result": MESSAGE}}, 200, "reply", "Done."),
        ({"status": "completed", "response_body": json.dumps({"result": MESSAGE})}, 200, "reply", "Done."),
        ({"status": "completed", "response_body": {"error": {"message": "boom"}}}, 200, "failed", "boom"),
    ],
)
def test_a_queued_turn_is_over_only_where_the_queue_says_so(
    document: object, status: int, kind: str, text: str, platform: Any, exchange: Exchange
) -> None:
    platform.answers(document, status=status)
    answer = queued_turn(exchange, "w/1", "q/1")
    assert (answer.kind, answer.text) == (kind, text)
    assert (platform.requests[0].method, platform.requests[0].path) == ("GET", "/workspaces/w%2F1/a2a/queue/q%2F1")
