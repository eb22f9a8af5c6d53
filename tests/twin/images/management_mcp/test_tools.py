"""The tools of the management MCP server: one request each, and errors that the protocol does not call errors."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from e2e.contract import load_contract

CONTRACT = load_contract()
CREATE = CONTRACT.create_workspace.required_tool
Open = Callable[..., Any]


def test_create_is_one_post_with_the_given_fields_only(session: Any, tenant: Any) -> None:
    answer = session.call_text(CREATE, model="m", name="n", tier=2, unknown="stripped", parent_id="p")

    (request,) = tenant.requests("POST", "/workspaces")
    assert list(request.document.items()) == [("name", "n"), ("tier", 2), ("parent_id", "p"), ("model", "m")]
    assert request.headers["authorization"] == "Bearer org-key"
    assert request.headers["x-molecule-org-id"] == "org-1"
    assert request.headers["content-type"] == "application/json"
    assert answer == {"id": "new-id", "status": "provisioning", "auth_token": "minted-token"}


def test_a_name_is_all_that_create_needs(session: Any, tenant: Any) -> None:
    session.call_text(CREATE, name="only-name")

    assert tenant.requests("POST", "/workspaces")[0].document == {"name": "only-name"}


def test_every_tool_makes_its_one_request(session: Any, tenant: Any) -> None:
    tenant.answers["GET", "/workspaces/a%2Fb%20c%3Fx"] = (200, {"id": "found"})
    tenant.answers["DELETE", "/workspaces/w"] = (200, {"status": "removed"})

    assert session.call_text("list_workspaces") == []
    assert session.call_text("list_templates") == []
    assert session.call_text("get_workspace", workspace_id="a/b c?x") == {"id": "found"}
    assert session.call_text("deprovision_workspace", workspace_id="w", confirm_name="My W") == {"status": "removed"}
    (delete,) = tenant.requests("DELETE", "/workspaces/w")
    assert delete.headers["x-confirm-name"] == "My W"
    assert delete.body == b""


def test_without_the_organisations_key_every_tool_answers_auth_error_and_sends_nothing(
    open_session: Open, tenant: Any
) -> None:
    session = open_session(MOLECULE_ORG_API_KEY=None)
    session.initialize()
    before = len(tenant.seen)

    for _ in range(2):
        assert session.call_text(CREATE, name="n")["error"] == "AUTH_ERROR"
    assert session.call_text("list_workspaces")["error"] == "AUTH_ERROR"
    assert len(tenant.seen) == before


def test_without_an_organisation_every_tool_answers_auth_error_and_sends_nothing(
    open_session: Open, tenant: Any
) -> None:
    answer = open_session(MOLECULE_ORG_ID=None).call_text(CREATE, name="n")

    assert answer["error"] == "AUTH_ERROR"
    assert "MOLECULE_ORG_ID or MOLECULE_ORG_SLUG is required" in answer["detail"]
    assert not tenant.requests("POST", "/workspaces")


def test_a_slug_will_do_for_the_organisation(open_session: Open, tenant: Any) -> None:
    open_session(MOLECULE_ORG_ID=None, MOLECULE_ORG_SLUG="acme").call_text("list_workspaces")

    (request,) = tenant.requests("GET", "/workspaces")
    assert request.headers["x-molecule-org-slug"] == "acme"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, "AUTH_ERROR"), (403, "AUTH_ERROR"), (429, "RATE_LIMITED"), (422, "HTTP 422"), (500, "HTTP 500")],
)
def test_an_http_error_is_a_normal_result_and_is_not_repeated(
    session: Any, tenant: Any, status: int, error: str
) -> None:
    tenant.answers["POST", "/workspaces"] = (status, {"code": "WHY"})

    answer = session.call_text(CREATE, name="n")

    assert answer == {"error": error, "detail": '{"code": "WHY"}', "status": status}
    assert len(tenant.requests("POST", "/workspaces")) == 1


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"<html>")])
def test_an_answer_that_is_not_json_is_passed_on_raw(session: Any, tenant: Any, status: int, body: bytes) -> None:
    tenant.answers["POST", "/workspaces"] = (status, body)

    assert session.call_text(CREATE, name="n") == {"raw": body.decode(), "status": status}


def test_a_found_redirect_turns_a_post_into_a_get(session: Any, tenant: Any) -> None:
    tenant.answers["POST", "/workspaces"] = (302, {"location": "/elsewhere"})
    tenant.answers["GET", "/elsewhere"] = (200, {"lost": True})

    assert session.call_text(CREATE, name="n") == {"lost": True}


def test_a_temporary_redirect_keeps_the_post(session: Any, tenant: Any) -> None:
    tenant.answers["POST", "/workspaces"] = (307, {"location": "/elsewhere"})
    tenant.answers["POST", "/elsewhere"] = (201, {"id": "there"})

    assert session.call_text(CREATE, name="n") == {"id": "there"}
    assert tenant.requests("POST", "/elsewhere")[0].document == {"name": "n"}


def test_an_unknown_tool_is_an_error_result(session: Any) -> None:
    result = session.call("provision_everything")

    assert result["isError"] is True
    assert result["content"][0]["text"] == "MCP error -32602: Tool provision_everything not found"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"name": 5},
        {"name": None},
        {"name": "n", "tier": 9},
        {"name": "n", "tier": 0},
        {"name": "n", "tier": 1.5},
        {"name": "n", "tier": True},
    ],
)
def test_bad_arguments_are_an_error_result_and_send_nothing(
    session: Any, tenant: Any, arguments: dict[str, object]
) -> None:
    result = session.call(CREATE, **arguments)

    assert result["isError"] is True
    start = f"MCP error -32602: Input validation error: Invalid arguments for tool {CREATE}: "
    text = result["content"][0]["text"]
    assert text.startswith(start)
    assert json.loads(text.removeprefix(start))
    assert not tenant.requests("POST", "/workspaces")
