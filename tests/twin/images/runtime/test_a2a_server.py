"""The agent's HTTP door."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def door(image_module: Callable[[str], Any]) -> Iterator[Any]:
    """An agent that repeats what it is told in capitals."""
    server = image_module("molecule_runtime.a2a_server").A2aServer(
        ("127.0.0.1", 0), lambda: {"name": "Acme Agent"}, str.upper, ""
    )
    server.listen()
    yield server
    server.close()


def _http(door: Any, path: str, body: bytes | None = None) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{door.port}{path}", body, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def _send(door: Any, message: object, method: str = "message/send") -> Any:
    body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": {"message": message}}
    status, answer = _http(door, "/", json.dumps(body).encode())
    assert status == 200
    return answer


def test_the_card_is_the_sign_of_life(door: Any) -> None:
    assert _http(door, "/.well-known/agent-card.json") == (200, {"name": "Acme Agent"})


@pytest.mark.parametrize("path", ["/health", "/transcript"])
def test_there_is_nothing_else_to_get(door: Any, path: str) -> None:
    assert _http(door, path)[0] == 404


def test_text_parts_are_answered_in_one_text_part(door: Any) -> None:
    parts = [{"kind": "text", "text": "one"}, {"kind": "data", "data": {}}, {"type": "text", "text": "two"}]

    result = _send(door, {"role": "user", "parts": parts})["result"]

    assert (result["kind"], result["role"]) == ("message", "agent")
    assert result["parts"] == [{"kind": "text", "text": "ONE\nTWO"}]
    assert result["messageId"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'{"id": 1, "method": "message/stream"}', -32601),
        (b'{"id": 1, "method": "message/send"}', -32602),
        (b'{"id": 1, "method": "message/send", "params": {"message": "text"}}', -32602),
    ],
)
def test_what_is_no_request_is_refused_in_json_rpc(door: Any, body: bytes, code: int) -> None:
    status, answer = _http(door, "/", body)

    assert status == 200
    assert answer["error"]["code"] == code


def test_a_message_without_text_reaches_the_agent_as_no_text(door: Any) -> None:
    assert _send(door, {"role": "user", "parts": "none"})["result"]["parts"][0]["text"] == ""


def test_the_port_is_known_before_anybody_can_connect(image_module: Callable[[str], Any]) -> None:
    server = image_module("molecule_runtime.a2a_server").A2aServer(("127.0.0.1", 0), dict, str.upper, "")

    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=30)
    server.listen()
    assert _http(server, "/.well-known/agent-card.json")[0] == 200
    server.close()
