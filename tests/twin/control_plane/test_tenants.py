"""Settings, boot events and archives for tenants."""

from typing import Any


def token(office: Any) -> dict[str, str]:
    return {"X-Molecule-Admin-Token": office.org("e2e-one")["admin_token"]}


def test_a_tenant_gets_its_settings(office: Any) -> None:
    created = office.create()
    status, answer = office.tenant("GET", "/cp/tenants/config", None, **token(office))
    assert (status, answer["tenant_id"], answer["runtimes"]) == (200, created["id"], ["claude-code"])
    assert office.tenant("GET", "/cp/tenants/config")[0] == 401


def test_a_boot_event_shows_up(office: Any) -> None:
    office.create()
    event = {"stage": "docker", "message": "up"}
    assert office.tenant("POST", "/cp/tenants/boot-event", event, **token(office))[0] == 200
    assert office.tenant("POST", "/cp/tenants/boot-event", {}, **token(office))[0] == 400
    events = office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events")[1]["events"]
    assert ("docker", "up") in [(event["stage"], event["message"]) for event in events]


def test_an_archive_is_hidden_from_whoever_lacks_the_token(office: Any) -> None:
    path = "/api/v1/repos/molecule-ai/plugin/archive/main.tar.gz"
    good = {"Authorization": "token template"}
    assert office.call("GET", path, None, good) == (200, b"packed")
    assert office.call("GET", path)[0] == 404
    assert office.call("GET", path, None, {"Authorization": "token wrong"})[0] == 404
    assert office.call("GET", path.replace("main", "other"), None, good)[0] == 404
    assert office.call("GET", path.replace(".tar.gz", ".zip"), None, good)[0] == 404
