"""The runtime's own MCP client against servers that misbehave."""

import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ANSWERING = """
    import json, sys
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        called = {"content": [{"type": "text", "text": "done"}]}
        result = {"tools/list": {"tools": [{"name": "one"}]}, "tools/call": called}.get(message["method"], {})
        print("a line of the log")
        print('{"level": 30, "msg": "pino"}')
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


@pytest.fixture
def session_module(image_module: Callable[[str], Any]) -> Any:
    return image_module("molecule_runtime.mcp_session")


@pytest.fixture
def open_session(session_module: Any) -> Iterator[Callable[[str], Any]]:
    sessions: list[Any] = []

    def open_session(program: str) -> Any:
        command = (sys.executable, "-c", textwrap.dedent(program))
        sessions.append(session_module.McpSession(session_module.LaunchSpec("test", command, dict(os.environ))))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


def test_lines_of_a_log_in_the_protocol_are_skipped(open_session: Any) -> None:
    session = open_session(ANSWERING)

    assert session.handshake(30) == ["one"]
    answer = session.call_tool("one", {}, 30)
    assert (answer.text, answer.is_error) == ("done", False)


def test_a_server_that_does_not_answer_is_given_up_in_time(open_session: Any, session_module: Any) -> None:
    session = open_session("import sys; sys.stdin.read()")
    start = time.monotonic()

    with pytest.raises(session_module.McpTimeoutError, match="initialize"):
        session.handshake(0.2)
    assert time.monotonic() - start < 5


def test_a_server_that_ends_is_told_with_its_exit_code_and_last_words(open_session: Any, session_module: Any) -> None:
    session = open_session("import sys; sys.exit('npm error code ETARGET')")

    with pytest.raises(session_module.McpEndedError, match="exit=1 npm error code ETARGET"):
        session.handshake(30)
    assert not session.is_alive


def test_a_server_that_cannot_be_started_is_told(session_module: Any) -> None:
    with pytest.raises(session_module.McpSpawnError, match="No such file"):
        session_module.McpSession(session_module.LaunchSpec("test", ("/no/such/program",), {}))


def test_an_error_of_the_protocol_is_told(open_session: Any, session_module: Any) -> None:
    session = open_session(
        """
        import json, sys
        for line in sys.stdin:
            print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "error": {"code": -32601}}), flush=True)
        """
    )

    with pytest.raises(session_module.McpError, match="-32601"):
        session.handshake(30)


def test_a_list_of_several_pages_is_read_to_its_end(open_session: Any) -> None:
    session = open_session(
        """
        import json, sys
        for line in sys.stdin:
            message = json.loads(line)
            last = message.get("params", {}).get("cursor")
            page = {"tools": [{"name": "two"}]} if last else {"tools": [{"name": "one"}], "nextCursor": "c"}
            if "id" in message:
                print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": page}), flush=True)
        """
    )

    assert session.handshake(30) == ["one", "two"]


def test_a_server_that_ignores_every_hint_is_ended_all_the_same(open_session: Any) -> None:
    session = open_session(
        """
        import json, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}), flush=True)
        while True:
            time.sleep(60)
        """
    )
    session._request("initialize", {}, time.monotonic() + 30)

    session.close()

    assert not session.is_alive
