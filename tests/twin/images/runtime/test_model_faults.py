"""Turns in which the model or its service goes wrong: what is replied, and what is created all the same."""

import re
from collections.abc import Callable
from typing import Any

import pytest

CREATE = ("POST", "/workspaces")
ORDER = 'Please create a workspace named "nonce" with the model "moonshot/kimi-k2.6".'
Start = Callable[..., Any]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("agent-denies-tool", "I don't have a `create_workspace` tool, so I cannot create a workspace."),
        ("llm-unavailable", "Agent error: Error code: 503 - Service Unavailable"),
        (
            "llm-unavailable:status=429",
            "Agent error: Error code: 429 - insufficient_quota: You exceeded your current quota",
        ),
        ("llm-billing", "Agent error: Billing or credits exhausted: HTTP 402"),
    ],
)
def test_the_reply_is_the_documented_one_and_nothing_is_created(
    start: Start, tenant: Any, switch_on: Any, fault: str, words: str
) -> None:
    misbehaviour = switch_on(fault)

    assert start(**misbehaviour.environment).ask(ORDER) == words

    assert tenant.requests(*CREATE) == []
    assert misbehaviour.acted == {fault.partition(":")[0]: 1}


def test_a_claim_names_a_workspace_that_nobody_made(start: Start, tenant: Any, switch_on: Any) -> None:
    misbehaviour = switch_on("agent-claims-without-acting")
    container = start(**misbehaviour.environment)

    reply = container.ask(ORDER)

    assert reply.startswith('Done. I have created the workspace "nonce". Its id is ')
    assert re.search(r" [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}\.$", reply)
    assert container.ask(ORDER) == reply
    assert tenant.requests(*CREATE) == []


def test_a_mangled_call_is_refused_by_the_server_and_told_as_an_error(
    start: Start, tenant: Any, switch_on: Any
) -> None:
    misbehaviour = switch_on("agent-error-reply")

    reply = start(**misbehaviour.environment).ask(ORDER)

    assert reply.startswith("Agent error: create_workspace answered with an error: MCP error -32602")
    assert tenant.requests(*CREATE) == []
    assert misbehaviour.acted == {"agent-error-reply": 1}


def test_a_service_that_is_well_again_answers(start: Start, tenant: Any, switch_on: Any) -> None:
    container = start(**switch_on("llm-billing:heal=0.001").environment)

    assert "new-id" in container.ask(ORDER)
