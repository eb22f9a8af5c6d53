"""Tenant routing, admin tokens and workspace tokens."""

from typing import Any

ORG = {"X-Molecule-Org-Id": "11111111-1111-4111-8111-111111111111"}


def test_health_and_build_need_no_header(desk: Any) -> None:
    assert desk.call("GET", "/health") == (200, {"status": "ok"})
    assert desk.call("GET", "/buildinfo") == (200, {"git_sha": "f" * 40})


def test_without_the_routing_header_the_answer_names_it(desk: Any) -> None:
    status, answer = desk.call("GET", "/workspaces")
    assert (status, answer["code"], answer["required_header"]) == (
        400,
        "TENANT_ORG_HEADER_REQUIRED",
        "X-Molecule-Org-Id",
    )
    assert answer["error"] == "missing tenant routing header"


def test_another_organisation_gets_a_bare_404(desk: Any) -> None:
    assert desk.call("GET", "/workspaces", headers={"X-Molecule-Org-Id": "someone-else"}) == (404, None)


def test_the_identity_needs_the_routing_header_and_no_token(desk: Any) -> None:
    status, answer = desk.call("GET", "/org/identity", headers=ORG)
    assert (status, answer["slug"], answer["platform_managed_available"]) == (200, "acme", True)


def test_admin_routes_tell_a_missing_from_a_wrong_token(desk: Any) -> None:
    assert desk.call("GET", "/workspaces", headers=ORG) == (401, {"error": "admin auth required"})
    wrong = ORG | {"Authorization": "Bearer nonsense"}
    assert desk.call("GET", "/workspaces", headers=wrong) == (401, {"error": "invalid admin auth token"})


def test_a_workspace_token_is_no_admin_token(desk: Any) -> None:
    _, created = desk.admin("POST", "/workspaces", {"name": "w", "model": "m"})
    own = ORG | {"Authorization": f"Bearer {created['auth_token']}"}
    assert desk.call("GET", "/workspaces", headers=own) == (401, {"error": "invalid admin auth token"})
    assert desk.call("GET", f"/workspaces/{created['id']}/plugins", headers=own) == (200, [])


def test_workspace_routes_take_the_own_token_and_the_admin_token_only(desk: Any, concierge: str) -> None:
    path = f"/workspaces/{concierge}/plugins"
    assert desk.call("GET", path, headers=ORG) == (401, {"error": "missing workspace auth token"})
    wrong = ORG | {"Authorization": "Bearer nonsense"}
    assert desk.call("GET", path, headers=wrong) == (401, {"error": "invalid workspace auth token"})
    assert desk.admin("GET", path) == (200, [])
