"""The synchronous purge and its receipt."""

from collections.abc import Callable
from typing import Any

import pytest


def purge(office: Any, slug: str = "e2e-one", confirm: object = "e2e-one") -> tuple[int, Any]:
    return office.admin("DELETE", f"/cp/admin/tenants/{slug}", {"confirm": confirm})  # type: ignore[no-any-return]


@pytest.mark.parametrize("confirm", ["", "e2e-two", None, True])
def test_without_the_slug_as_confirmation_nothing_is_touched(office: Any, confirm: object) -> None:
    office.create()
    assert purge(office, confirm=confirm)[0] == 400
    assert office.machines.states["i-00000000000000000"] == "pending"


def test_a_purge_ends_every_machine_and_leaves_a_receipt(office: Any) -> None:
    created = office.create()
    body = {"org_id": created["id"], "workspace_id": "w1", "runtime": "claude-code", "platform_url": "http://x"}
    assert office.tenant("POST", "/cp/workspaces/provision", body)[0] == 201
    status, receipt = purge(office)
    assert (status, receipt["deleted"], receipt["org_id"]) == (200, True, created["id"])
    assert set(office.machines.states.values()) == {"shutting-down"}
    assert office.admin("GET", "/cp/admin/orgs") == (200, {"orgs": []})
    assert office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events")[0] == 404
    (purged,) = office.admin("GET", "/cp/admin/purges?limit=500")[1]["purges"]
    assert (purged["slug"], purged["last_step"], purged["id"]) == ("e2e-one", "completed", receipt["purge_id"])


def test_a_second_purge_answers_the_same_receipt(office: Any) -> None:
    office.create()
    assert purge(office) == purge(office)


def test_what_never_was_cannot_be_purged(office: Any) -> None:
    assert purge(office) == (404, {"error": "org not found", "slug": "e2e-one"})


def test_a_purge_in_flight_refuses_another_and_every_new_machine(office: Any) -> None:
    created = office.create()
    office.estate.database.execute("UPDATE orgs SET purging = 1")
    assert purge(office)[0] == 409
    body = {"org_id": created["id"], "workspace_id": "w1", "runtime": "claude-code", "platform_url": "http://x"}
    assert office.tenant("POST", "/cp/workspaces/provision", body)[0] == 409
    assert len(office.machines.launched) == 1


def test_a_purge_that_breaks_can_be_repeated(office: Any) -> None:
    office.create()
    office.machines.error = RuntimeError("throttled")
    with pytest.raises(RuntimeError):
        purge(office)
    office.machines.error = None
    assert purge(office)[0] == 200


def test_an_org_purged_before_its_machine_was_ordered_never_gets_one(office: Any) -> None:
    from e2e.twin.control_plane.provisioning import _provision

    created = office.create()
    office.estate.database.execute("UPDATE orgs SET purging = 1, instance_id = ''")
    _provision(office.estate, created["id"])
    assert len(office.machines.launched) == 1


def test_a_leaked_org_gets_its_200_and_stays_without_a_receipt(make_office: Callable[..., Any]) -> None:
    office = make_office("leaked-org")
    created = office.create()
    status, receipt = purge(office)
    assert (status, receipt["deleted"], receipt["org_id"]) == (200, True, created["id"])
    assert [org["slug"] for org in office.admin("GET", "/cp/admin/orgs")[1]["orgs"]] == ["e2e-one"]
    assert office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events")[0] == 200
    assert office.admin("GET", "/cp/admin/purges")[1]["purges"] == []
    assert set(office.machines.states.values()) == {"shutting-down"}
    assert office.acted("leaked-org") == 1


def test_a_leaked_instance_outlives_its_organisation_and_the_receipt(make_office: Callable[..., Any]) -> None:
    office = make_office("leaked-instance")
    created = office.create()
    body = {"org_id": created["id"], "workspace_id": "w1", "runtime": "claude-code", "platform_url": "http://x"}
    kept = office.tenant("POST", "/cp/workspaces/provision", body)[1]["instance_id"]
    assert purge(office)[0] == 200
    assert [one for one, state in office.machines.states.items() if state != "shutting-down"] == [kept]
    assert office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events")[0] == 404
    assert office.admin("GET", "/cp/admin/purges")[1]["purges"][0]["last_step"] == "completed"
    assert office.acted("leaked-instance") == 1


@pytest.mark.parametrize(
    ("options", "events", "purges"), [("", 503, 503), (":events=0", 404, 503), (":purges=0", 503, 200)]
)
def test_after_a_purge_nobody_may_be_there_to_ask(
    make_office: Callable[..., Any], options: str, events: int, purges: int
) -> None:
    office = make_office(f"absence-unprovable{options}")
    office.create()
    paths = ("/cp/admin/tenants/e2e-one/boot-events", "/cp/admin/purges")
    assert [office.admin("GET", path)[0] for path in paths] == [200, 200]
    assert purge(office)[0] == 200
    assert [office.admin("GET", path)[0] for path in paths] == [events, purges]
    assert office.acted("absence-unprovable") == [events, purges].count(503)
