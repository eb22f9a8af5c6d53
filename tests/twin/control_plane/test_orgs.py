"""Organisations: create, list, look at."""

from collections.abc import Callable
from typing import Any

import pytest

ORDER = {"slug": "e2e-one", "name": "E2E one", "owner_user_id": "me"}


def test_every_admin_route_wants_the_token(office: Any) -> None:
    for method, path in (
        ("POST", "/cp/admin/orgs"),
        ("GET", "/cp/admin/orgs"),
        ("GET", "/cp/admin/orgs/x/admin-token"),
        ("GET", "/cp/admin/tenants/x"),
        ("DELETE", "/cp/admin/tenants/x"),
        ("GET", "/cp/admin/tenants/x/boot-events"),
        ("GET", "/cp/admin/tenants/x/diagnostics"),
        ("GET", "/cp/admin/purges"),
        ("POST", "/cp/admin/runtime-image/promote"),
    ):
        assert office.call(method, path)[0] == 401, path
        assert office.call(method, path, None, {"Authorization": "Bearer shared"})[0] == 401, path
    assert office.call("GET", "/health")[0] == 200


def test_a_created_org_has_an_id_and_at_first_no_instance_status(office: Any) -> None:
    created = office.create()
    assert created["slug"] == "e2e-one"
    assert "instance_status" not in created
    (listed,) = office.admin("GET", "/cp/admin/orgs")[1]["orgs"]
    assert (listed["id"], listed["instance_status"]) == (created["id"], "provisioning")
    assert "status" not in listed


def test_a_dry_run_creates_nothing(office: Any) -> None:
    assert office.admin("POST", "/cp/admin/orgs?dry_run=true", ORDER) == (200, {"dry_run": True} | ORDER)
    assert office.admin("GET", "/cp/admin/orgs") == (200, {"orgs": []})


def test_the_newest_org_comes_first_and_the_limit_counts(office: Any) -> None:
    for slug in ("e2e-one", "e2e-two", "e2e-three"):
        office.create(slug)
    slugs = [org["slug"] for org in office.admin("GET", "/cp/admin/orgs")[1]["orgs"]]
    assert slugs == ["e2e-three", "e2e-two", "e2e-one"]
    assert len(office.admin("GET", "/cp/admin/orgs?limit=1")[1]["orgs"]) == 1
    assert office.admin("GET", "/cp/admin/orgs?limit=many")[0] == 400


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"slug": "e2e-one", "name": "x"}, ["owner_user_id"]),
        ({}, ["slug", "name", "owner_user_id"]),
        (ORDER | {"colour": "red"}, ["colour"]),
        (ORDER | {"slug": "E2E"}, ["slug"]),
        (ORDER | {"slug": "e2"}, ["slug"]),
        (ORDER | {"slug": "e" * 33}, ["slug"]),
        (ORDER | {"slug": "1e2"}, ["slug"]),
        (ORDER | {"slug": 3}, ["slug"]),
    ],
)
def test_a_body_that_is_not_strictly_right_is_a_400_that_names_the_field(
    office: Any, document: object, fields: list[str]
) -> None:
    status, answer = office.admin("POST", "/cp/admin/orgs", document)
    assert (status, answer["fields"]) == (400, fields)
    assert office.admin("GET", "/cp/admin/orgs") == (200, {"orgs": []})


def test_the_longest_slug_is_32_characters(office: Any) -> None:
    assert office.admin("POST", "/cp/admin/orgs?dry_run=true", ORDER | {"slug": "e" * 32})[0] == 200


def test_a_taken_slug_is_a_409(office: Any) -> None:
    office.create()
    assert office.admin("POST", "/cp/admin/orgs", ORDER)[0] == 409


def test_the_admin_token_is_there_once_the_tenant_runs(office: Any) -> None:
    office.create()
    assert office.admin("GET", "/cp/admin/orgs/e2e-one/admin-token")[0] == 404
    office.estate.database.execute("UPDATE orgs SET instance_status = 'running'")
    status, answer = office.admin("GET", "/cp/admin/orgs/e2e-one/admin-token")
    assert (status, answer["slug"]) == (200, "e2e-one")
    assert answer["admin_token"]


def test_the_tenants_machine_is_named(office: Any) -> None:
    office.create()
    status, answer = office.admin("GET", "/cp/admin/tenants/e2e-one")
    assert (status, answer["instance_id"], answer["instance_state"]) == (200, "i-00000000000000000", "pending")
    assert office.machines.launched[0]["name"] == "tenant-e2e-one"


def test_the_404_of_boot_events_has_exactly_two_keys(office: Any) -> None:
    assert office.admin("GET", "/cp/admin/tenants/e2e-gone/boot-events") == (
        404,
        {"error": "org not found", "slug": "e2e-gone"},
    )


def test_boot_events_and_diagnostics_tell_how_far_it_is(office: Any) -> None:
    created = office.create()
    _, answer = office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events")
    assert (answer["slug"], answer["org_id"]) == ("e2e-one", created["id"])
    assert [event["stage"] for event in answer["events"]] == ["launching"]
    _, diagnostics = office.admin("GET", "/cp/admin/tenants/e2e-one/diagnostics")
    assert diagnostics["tenant"] == {"instance_id": "i-00000000000000000", "state": "pending"}


def test_a_launch_that_fails_is_the_orgs_last_error(office: Any) -> None:
    office.machines.error = RuntimeError("no capacity")
    office.admin("POST", "/cp/admin/orgs", ORDER)
    office.until(lambda: office.org("e2e-one")["instance_status"] == "failed")
    (listed,) = office.admin("GET", "/cp/admin/orgs")[1]["orgs"]
    assert (listed["instance_status"], listed["last_error"]) == ("failed", "RuntimeError: no capacity")


def test_the_token_that_is_handed_out_may_not_be_the_tenants(make_office: Callable[..., Any]) -> None:
    office = make_office("tenant-unauthorized")
    office.create()
    office.estate.database.execute("UPDATE orgs SET instance_status = 'running'")
    status, answer = office.admin("GET", "/cp/admin/orgs/e2e-one/admin-token")
    assert status == 200
    assert answer["admin_token"].startswith("mol_adm_")
    assert answer["admin_token"] != office.org("e2e-one")["admin_token"]
    assert office.acted("tenant-unauthorized") == 1
