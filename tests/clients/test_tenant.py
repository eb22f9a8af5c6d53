"""A tenant's API, spoken to over real HTTP with the headers that lead there."""

from collections.abc import Iterator
from typing import Any

import pytest

from e2e.clients.errors import NotReady, PlatformError, Refused, Rejected, Unavailable
from e2e.clients.tenant import Tenant, TenantAddress, WorkspaceRow
from e2e.evidence import Secret

SLUG, DOMAIN = "e2e-boot-0123abcd-89ef4567", "staging.moleculesai.app"
ROW = {"id": "w-1", "name": "Agent", "kind": "platform", "parent_id": None, "status": "online", "url": "http://x:1"}
PAGE = b"<!doctype html><html></html>"


@pytest.fixture
def tenant(platform: Any) -> Iterator[Tenant]:
    """Return a client of the server."""
    client = Tenant(TenantAddress(platform.url, DOMAIN), SLUG, "o-1", Secret("tenant-4711"), timeout=2.0)
    yield client
    client.close()


def test_a_live_address_holds_the_slug_and_the_twins_does_not() -> None:
    assert TenantAddress("https://{slug}.x.app", DOMAIN).base_url(SLUG) == f"https://{SLUG}.x.app"
    assert TenantAddress("http://127.0.0.1:1", DOMAIN).base_url(SLUG) == "http://127.0.0.1:1"


def test_every_request_says_whom_it_is_meant_for(platform: Any, tenant: Tenant) -> None:
    platform.answers([ROW], at="/workspaces")
    platform.answers(ROW, at="/workspaces/w-1")
    tenant.health()
    tenant.buildinfo()
    tenant.workspaces()
    tenant.workspace("w-1")
    tenant.post_control_refusal("c-1")
    tenant.delete_workspace(tenant.workspaces()[0])
    assert len(platform.requests) == 7
    for seen in platform.requests:
        assert seen.headers["Host"] == f"{SLUG}.{DOMAIN}"
        assert seen.headers["Origin"] == f"https://{SLUG}.{DOMAIN}"
        assert seen.headers["X-Molecule-Org-Id"] == "o-1"
        assert seen.headers["Authorization"] == "Bearer tenant-4711"


@pytest.mark.parametrize("status", [200, 404, 502])
def test_health_is_the_status_whatever_it_is(status: int, platform: Any, tenant: Tenant) -> None:
    platform.answers(PAGE, status=status)
    assert tenant.health() == status


def test_no_answer_of_a_tenant_is_a_tenant_half_wired(platform: Any, tenant: Tenant) -> None:
    platform.breaks_off("reset")
    with pytest.raises(Unavailable) as caught:
        tenant.health()
    assert caught.value.cause == "tenant-half-wired"


def test_the_build_is_told_as_it_is(platform: Any, tenant: Tenant) -> None:
    platform.answers({"git_sha": "abc"})
    assert tenant.buildinfo() == {"git_sha": "abc"}
    platform.answers(["abc"])
    assert tenant.buildinfo() == {}


def test_rows_are_read_and_what_they_lack_is_none(platform: Any, tenant: Tenant) -> None:
    whole = ROW | {"runtime": "claude-code", "last_heartbeat_at": "t", "last_sample_error": "e", "wedged": True}
    platform.answers([whole, {"id": 2, "name": "bare", "status": "failed", "url": "", "last_sample_error": ""}])
    first, second = tenant.workspaces()
    assert first == WorkspaceRow(
        "w-1", "Agent", "platform", None, "online", "http://x:1", "claude-code", "t", "e", True
    )
    assert second == WorkspaceRow("2", "bare", None, None, "failed", None, None, None, None, None)


@pytest.mark.parametrize("answer", [PAGE, b"", b"[", {"workspaces": []}, None, "none"])
def test_anything_but_an_array_of_rows_is_a_tenant_that_is_not_ready(
    answer: object, platform: Any, tenant: Tenant
) -> None:
    platform.answers(answer)
    with pytest.raises(NotReady) as caught:
        tenant.workspaces()
    assert caught.value.cause == "tenant-half-wired"


@pytest.mark.parametrize("row", [{}, {"id": "w", "name": "x"}, None, "row", []])
def test_a_row_that_is_none_is_the_tenants_fault_and_not_ours(row: object, platform: Any, tenant: Tenant) -> None:
    platform.answers([row])
    with pytest.raises(Unavailable) as caught:
        tenant.workspaces()
    assert caught.value.cause == "tenant-half-wired"


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [
        (400, Rejected, "tenant-half-wired"),
        (401, Refused, "tenant-unauthorized"),
        (403, Refused, "tenant-unauthorized"),
        (404, NotReady, "tenant-half-wired"),
        (409, Rejected, "tenant-half-wired"),
        (503, Unavailable, "tenant-half-wired"),
    ],
)
def test_a_tenants_refusal_is_never_blamed_on_the_control_plane(
    status: int, error: type[PlatformError], cause: str, platform: Any, tenant: Tenant
) -> None:
    platform.answers({"error": "no"}, status=status)
    with pytest.raises(error) as caught:
        tenant.workspaces()
    assert caught.value.cause == cause
    with pytest.raises(error) as caught:
        tenant.workspace("w-1")
    assert caught.value.cause == cause


def test_one_workspace_is_read(platform: Any, tenant: Tenant) -> None:
    platform.answers(ROW, at="/workspaces/w%201")
    row = tenant.workspace("w 1")
    assert row is not None
    assert (row.id, row.status) == ("w-1", "online")


@pytest.mark.parametrize(("status", "answer"), [(404, {"error": "workspace not found"}), (410, {"error": "removed"})])
def test_a_workspace_is_gone_where_the_tenant_itself_says_so(
    status: int, answer: object, platform: Any, tenant: Tenant
) -> None:
    platform.answers(answer, status=status)
    assert tenant.workspace("w-1") is None


@pytest.mark.parametrize("answer", [PAGE, b"", {"error": "not found"}, {"error": "no such tenant"}, {}])
def test_a_404_of_the_edge_is_not_a_workspace_that_is_gone(answer: object, platform: Any, tenant: Tenant) -> None:
    platform.answers(answer, status=404)
    with pytest.raises(NotReady) as caught:
        tenant.workspace("w-1")
    assert caught.value.cause == "tenant-half-wired"


def test_the_same_words_under_another_status_do_not_say_that_a_workspace_is_gone(platform: Any, tenant: Tenant) -> None:
    platform.answers({"error": "workspace not found"}, status=500)
    with pytest.raises(Unavailable):
        tenant.workspace("w-1")


@pytest.mark.parametrize(("answer", "why"), [(PAGE, "not JSON"), (b"", "not JSON"), ([], "not an object")])
def test_a_useless_answer_is_no_workspace(answer: object, why: str, platform: Any, tenant: Tenant) -> None:
    platform.answers(answer)
    with pytest.raises(NotReady, match=why):
        tenant.workspace("w-1")


def test_a_name_is_matched_whole(platform: Any, tenant: Tenant) -> None:
    platform.answers([ROW | {"name": "x"}, ROW | {"id": "w-2", "name": "xy"}, ROW | {"id": "w-3", "name": "x (2)"}])
    assert [row.id for row in tenant.named("x")] == ["w-1"]


def test_a_control_refusal_is_a_register_call_that_cannot_be_accepted(platform: Any, tenant: Tenant) -> None:
    platform.answers({"error": "kind must be 'workspace' or 'platform'"}, status=400)
    assert tenant.post_control_refusal("c-1") == 400
    (seen,) = platform.requests
    assert (seen.method, seen.path) == ("POST", "/registry/register")
    assert seen.json()["id"] == "c-1"
    assert seen.json()["kind"] not in ("", "workspace", "platform")


@pytest.mark.parametrize("status", [200, 404, 410])
def test_a_workspace_is_removed_by_id_with_its_name_as_confirmation(status: int, platform: Any, tenant: Tenant) -> None:
    platform.answers([ROW | {"name": "mine"}], at="/workspaces")
    platform.answers({}, status=status)
    assert tenant.delete_workspace(tenant.workspaces()[0]) == status
    seen = platform.requests[-1]
    assert (seen.method, seen.path) == ("DELETE", "/workspaces/w-1?confirm=true")
    assert seen.headers["X-Confirm-Name"] == "mine"


def test_a_removal_that_is_refused_is_an_error(platform: Any, tenant: Tenant) -> None:
    platform.answers([ROW], at="/workspaces")
    row = tenant.workspaces()[0]
    platform.answers({"error": "confirmation_required"}, status=409)
    with pytest.raises(Rejected, match="confirmation_required") as caught:
        tenant.delete_workspace(row)
    assert caught.value.cause == "tenant-half-wired"
