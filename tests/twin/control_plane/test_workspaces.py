"""Hosts for workspaces."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest


def body(office: Any, **fields: object) -> dict[str, Any]:
    known = {"org_id": office.org("e2e-one")["id"], "workspace_id": "abcdef123456", "runtime": "claude-code"}
    return known | {"platform_url": "http://x"} | fields


@pytest.fixture
def org(office: Any) -> dict[str, Any]:
    return office.create()  # type: ignore[no-any-return]


def test_a_workspace_gets_a_machine_with_the_tenants_slug_in_its_name(office: Any, org: Any) -> None:
    status, answer = office.tenant("POST", "/cp/workspaces/provision", body(office))
    assert (status, answer["state"], answer["private_ip"]) == (201, "pending", "10.0.0.4")
    assert office.machines.launched[1]["name"] == "ws-tenant-e2e-one-abcdef12"


def test_without_a_pin_the_provision_is_refused(office: Any, org: Any) -> None:
    assert office.tenant("POST", "/cp/workspaces/provision", body(office, runtime="hermes")) == (
        422,
        {"error": "RUNTIME_PIN_MISSING"},
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"workspace_id": ""},
        {"env": {"A": 1}},
        {"env": ["A"]},
        {"config_files": {"x": "no base64!"}},
        {"config_files": {"../x": ""}},
        {"config_files": {"x": base64.b64encode(b"x" * (256 * 1024 + 1)).decode()}},
    ],
)
def test_a_bad_request_orders_nothing(office: Any, org: Any, fields: dict[str, object]) -> None:
    assert office.tenant("POST", "/cp/workspaces/provision", body(office, **fields))[0] == 400
    assert len(office.machines.launched) == 1


def test_a_restart_stops_and_starts_the_container_on_the_host_it_has(
    office: Any, org: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.tenant("POST", "/cp/workspaces/provision", body(office))
    instance_id = office.machines.launched[1]["id"]
    path = "/cp/workspaces/abcdef123456/restart"
    assert office.tenant("POST", path, {}) == (409, {"error": "the host does not run"})
    restarted: list[str] = []

    class RunningHost:
        def container(self, name: str) -> Any:
            if name != "ws-abcdef123456":
                raise KeyError(name)
            return self

        def restart(self) -> None:
            restarted.append(instance_id)

    view = office.machines.view
    monkeypatch.setattr(office.machines, "view", lambda known: replace(view(known), host=RunningHost()))
    assert office.tenant("POST", path, {}) == (200, {"status": "restarted", "instance_id": instance_id})
    assert restarted == [instance_id]
    assert office.tenant("POST", "/cp/workspaces/nobody/restart", {})[0] == 404


def test_a_container_that_cannot_be_restarted_is_a_conflict(
    office: Any, org: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.tenant("POST", "/cp/workspaces/provision", body(office))
    view = office.machines.view

    class EmptyHost:
        def container(self, name: str) -> Any:
            raise KeyError(name)

    monkeypatch.setattr(office.machines, "view", lambda known: replace(view(known), host=EmptyHost()))
    assert office.tenant("POST", "/cp/workspaces/abcdef123456/restart", {})[0] == 409


def test_the_tenant_routes_want_the_shared_secret(office: Any, org: Any) -> None:
    for method, path in (
        ("POST", "/cp/workspaces/provision"),
        ("GET", "/cp/workspaces/x/status"),
        ("DELETE", "/cp/workspaces/x"),
        ("POST", "/cp/workspaces/x/restart"),
        ("GET", "/cp/tenants/config"),
        ("POST", "/cp/tenants/boot-event"),
    ):
        assert office.call(method, path)[0] == 401
        assert office.admin(method, path)[0] == 401


def test_only_the_own_organisation_ends_a_workspaces_machine(office: Any, org: Any) -> None:
    office.tenant("POST", "/cp/workspaces/provision", body(office))
    path = "/cp/workspaces/abcdef123456"
    assert office.tenant("GET", f"{path}/status")[1]["state"] == "pending"
    assert office.tenant("DELETE", path)[0] == 403
    token = {"X-Molecule-Admin-Token": office.org("e2e-one")["admin_token"]}
    assert office.tenant("DELETE", f"{path}?instance_id=i-other", None, **token)[0] == 404
    assert office.tenant("DELETE", path, None, **token) == (200, {"status": "terminated"})
    assert office.tenant("GET", f"{path}/status")[0] == 404


def test_the_container_gets_files_labels_and_the_pinned_image(office: Any, org: Any, tmp_path: Path) -> None:
    files = {"config.yaml": base64.b64encode(b"name: x\n").decode(), "prompts/a.md": ""}
    office.tenant("POST", "/cp/workspaces/provision", body(office, config_files=files, env={"A": "b"}))

    class Machine:
        configs = tmp_path
        spec: Any = None

        def run_container(self, spec: Any) -> None:
            self.spec = spec

    machine = Machine()
    office.machines.launched[1]["on_running"](machine)
    assert (tmp_path / "config.yaml").read_text() == "name: x\n"
    assert (tmp_path / "prompts" / "a.md").exists()
    assert machine.spec.name == "ws-abcdef123456"
    assert machine.spec.labels == {"molecule.platform.managed": "true", "molecule.platform.instance": org["id"]}
    assert machine.spec.image_digest == "sha256:" + "a" * 64
    assert dict(machine.spec.environment) == {"A": "b"}


def test_a_pin_is_only_moved_to_an_image_there_is(office: Any) -> None:
    path = "/cp/admin/runtime-image/promote"
    digest = "sha256:" + "a" * 64
    assert office.admin("POST", path, {"template": "claude-code", "digest": "sha256:none"})[0] == 400
    assert office.admin("POST", path, {"template": "claude-code"})[0] == 400
    assert office.admin("POST", path, {"template": "claude-code", "digest": digest})[0] == 200
    (pin,) = office.admin("GET", path)[1]["pins"]
    assert (pin["digest"], pin["promoted_by"][:10]) == (digest, "api-token-")
