"""The outside door of the tenants, over real ports."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.clock import PlatformClock
from e2e.twin.faults.plan import Fault, FaultPlan, FaultSwitch, acts_in
from e2e.twin.gateway import Gateway, TenantDoor
from e2e.twin.listener import Listener, bind_loopback
from e2e.twin.outbound import Reply, request
from e2e.twin.wire import Answer, Application, Call, Route

DOMAIN = "twin.invalid"
PLAN = FaultPlan((), 0.0, 100.0, "")
DOORS: dict[str, TenantDoor] = {}


class Directory:
    """Finds doors by slug or id."""

    def tenant_door(self, *, slug: str = "", org_id: str = "") -> TenantDoor | None:
        return DOORS.get(slug or org_id)


def echo(call: Call) -> Answer:
    seen = {"method": call.method, "target": call.raw_target, "headers": dict(call.headers), "body": call.body.decode()}
    return Answer(418, seen, {"x-tenant": "yes"})


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    methods = ("GET", "POST", "DELETE")
    tenant = Listener(Application([Route(method, "/{path:path}", echo) for method in methods]), bind_loopback(0))
    gateway = Listener(
        Gateway(Directory(), PlatformClock(100.0), DOMAIN, FaultSwitch(PLAN)).application(), bind_loopback(0)
    )
    tenant_url = tenant.start()
    DOORS.update({name: TenantDoor("id-1", tenant_url) for name in ("one", "id-1")})
    DOORS["young"] = TenantDoor("id-2", "")
    DOORS["dead"] = TenantDoor("id-3", "http://127.0.0.1:9")
    yield gateway.start()
    gateway.stop()
    tenant.stop()


def ask(door: str, path: str = "/x", method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
    given = {"Origin": "https://one.twin.invalid"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return request(method, door + path, timeout=10, headers={n: v for n, v in given.items() if v}, body=body)


def seen(reply: Reply) -> Any:
    assert reply.status == 418
    return json.loads(reply.body)


def test_the_first_label_of_the_host_finds_the_tenant(door: str) -> None:
    reply = ask(door, "/a%20b?c=d&e", Host=f"one.{DOMAIN}")
    assert seen(reply)["target"] == "/a%20b?c=d&e"
    assert reply.headers["x-tenant"] == "yes"
    assert ask(door, Host=f"one.{DOMAIN}:8080").status == 418


def test_method_body_and_headers_arrive(door: str) -> None:
    arrived = seen(ask(door, "/x", "POST", b"hello", Host=f"one.{DOMAIN}", Authorization="Bearer t"))
    assert (arrived["method"], arrived["body"], arrived["headers"]["authorization"]) == ("POST", "hello", "Bearer t")
    assert seen(ask(door, "/x", "DELETE", Host=f"one.{DOMAIN}"))["method"] == "DELETE"


def test_the_headers_find_the_tenant_where_the_host_does_not(door: str) -> None:
    assert ask(door, X_Molecule_Org_Id="id-1").status == 418
    arrived = seen(ask(door, X_Molecule_Org_Slug="one"))
    assert arrived["headers"]["x-molecule-org-id"] == "id-1"


def test_the_host_wins_over_the_headers(door: str) -> None:
    assert ask(door, Host=f"nobody.{DOMAIN}", X_Molecule_Org_Id="id-1").status == 404


def test_without_origin_the_firewall_turns_everything_away_but_health_and_build(door: str) -> None:
    assert ask(door, Host=f"one.{DOMAIN}", Origin="").status == 404
    assert ask(door, "/health", Host=f"one.{DOMAIN}", Origin="").status == 418
    assert ask(door, "/buildinfo", Host=f"one.{DOMAIN}", Origin="").status == 418


def test_an_unknown_tenant_is_a_404(door: str) -> None:
    assert ask(door, Host=f"nobody.{DOMAIN}").status == 404
    assert ask(door).status == 404


@pytest.mark.parametrize("slug", ["young", "dead"])
def test_a_tenant_that_does_not_listen_is_a_502_page(door: str, slug: str) -> None:
    reply = ask(door, Host=f"{slug}.{DOMAIN}")
    assert (reply.status, reply.document()) == (502, None)
    assert reply.body.startswith(b"<html>")


def test_a_half_wired_tenant_is_healthy_and_answers_with_a_page_everywhere_else(tmp_path: Path) -> None:
    plan = FaultPlan((Fault("tenant-half-wired"),), time.monotonic(), 100.0, str(tmp_path / "trace"))
    half_wired = Gateway(Directory(), PlatformClock(100.0), DOMAIN, FaultSwitch(plan))
    tenant = Listener(Application([Route("GET", "/{path:path}", echo)]), bind_loopback(0))
    gateway = Listener(half_wired.application(), bind_loopback(0))
    DOORS["half"] = TenantDoor("id-4", tenant.start())
    url = gateway.start()
    try:
        assert [ask(url, path, Host=f"half.{DOMAIN}").status for path in ("/health", "/buildinfo")] == [418, 418]
        assert ask(url, Host=f"nobody.{DOMAIN}").status == 404
        page = ask(url, "/workspaces", Host=f"half.{DOMAIN}")
    finally:
        gateway.stop()
        tenant.stop()
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html><html")
    assert acts_in(tmp_path / "trace", plan.faults) == {"tenant-half-wired": 1}
