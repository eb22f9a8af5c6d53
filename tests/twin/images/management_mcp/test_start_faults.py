"""Servers of both implementations that do not start, start late, or talk into the protocol."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

Open = Callable[..., Any]


def _plan(switch_on: Any, *faults: str) -> Mapping[str, str]:
    environment: Mapping[str, str] = switch_on(*faults).environment
    return environment


def test_it_dies_with_its_last_words_on_stderr(open_session: Open, switch_on: Any) -> None:
    session = open_session(**_plan(switch_on, "mcp-launch-failed"))

    assert session.process.wait(30) == 1
    assert session.process.stderr.read() == "Error: Tool create_request is already registered\n"
    assert session.process.stdout.read() == ""


def test_it_answers_after_the_pause_and_not_before(open_session: Open, switch_on: Any) -> None:
    fault = switch_on("mcp-handshake-timeout:seconds=70")
    began = time.monotonic()
    session = open_session(**fault.environment)

    assert session.initialize()["serverInfo"]
    assert time.monotonic() - began >= 0.7
    assert fault.acted == {"mcp-handshake-timeout": 1}


def test_a_fault_that_has_healed_holds_up_nobody(open_session: Open, switch_on: Any) -> None:
    fault = switch_on("mcp-handshake-timeout:seconds=600000,heal=0.001", "mcp-launch-failed:heal=0.001")

    assert open_session(**fault.environment).initialize()["serverInfo"]
    assert fault.acted == {"mcp-handshake-timeout": 0, "mcp-launch-failed": 0}


def test_it_logs_into_the_protocol_and_answers_between_its_lines(open_session: Open, switch_on: Any) -> None:
    session = open_session(**_plan(switch_on, "noise-in-mcp-stdout"))
    session.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    noise = []
    while True:
        line = session.process.stdout.readline()
        try:
            answer = json.loads(line)
            break
        except json.JSONDecodeError:
            noise.append(line)

    assert answer["id"] == 1
    assert [text for line in noise for text in ("connected", "accepted") if text in line] == ["connected", "accepted"]
    assert all("INFO" in line and "\x1b[36m" in line for line in noise)
    code, errors = session.close()
    assert (code, errors) == (0, "")


def test_without_the_fault_it_logs_to_stderr(open_session: Open) -> None:
    session = open_session()

    session.initialize()

    assert "Molecule AI platform connected" in session.close()[1]
