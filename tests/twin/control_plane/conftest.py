"""A control plane without machines: its routes are called in this process, its cloud is a fake."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.fleet import InstanceView
from e2e.twin.control_plane.estate import Estate, Secrets
from e2e.twin.control_plane.pins import set_pin
from e2e.twin.control_plane.routes import handlers_of
from e2e.twin.control_plane.schema import SCHEMA
from e2e.twin.database import Database
from e2e.twin.faults.plan import Fault, FaultPlan, acts_in, parse_fault
from e2e.twin.hosts.host import Host
from e2e.twin.identities import Identities
from e2e.twin.wire import Call, Handler, RefusedError

ADMIN = "admin"
SHARED = "shared"
DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64


@dataclass
class FakeMachines:
    """Machines that never boot by themselves: a test boots them."""

    launched: list[dict[str, Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None

    def launch(
        self,
        *,
        name_tag: str,
        tags: Mapping[str, str],
        boot_seconds: float,
        registration_seconds: float,
        on_running: Callable[[Host], None],
    ) -> str:
        if self.error is not None:
            raise self.error
        instance_id = f"i-{len(self.launched):017x}"
        self.launched.append(
            {
                "id": instance_id,
                "name": name_tag,
                "tags": dict(tags),
                "on_running": on_running,
                "boot_seconds": boot_seconds,
            }
        )
        self.states[instance_id] = "pending"
        return instance_id

    def terminate(self, instance_id: str) -> None:
        if self.error is not None:
            raise self.error
        self.states[instance_id] = "shutting-down"

    def view(self, instance_id: str) -> InstanceView:
        return InstanceView(
            instance_id=instance_id,
            state=self.states[instance_id],
            state_reason="",
            tags={},
            launched_at=datetime.now(UTC),
            private_address="10.0.0.4",
            registered_at=None,
            host=None,
        )


@dataclass(frozen=True)
class FakeImage:
    """An image of which only the names matter."""

    name: str = "plain"
    template: str = "claude-code"
    reference: str = "registry.invalid/x@" + DIGEST
    digest: str = DIGEST

    def build_rootfs(self, rootfs: Path) -> None:
        (rootfs / "app").mkdir()


@dataclass
class Office:
    """One control plane and a way to call it."""

    estate: Estate
    machines: FakeMachines
    route: Callable[..., tuple[Call, Handler]]
    handlers: list[tuple[str, str, Handler]] = field(init=False)

    def __post_init__(self) -> None:
        self.handlers = handlers_of(self.estate)

    def call(
        self, method: str, path: str, document: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Call a route with exactly these headers; JSON answers come parsed, others as bytes."""
        call, handler = self.route(self.handlers, method, path, headers or {}, document)
        try:
            answer = handler(call)
        except RefusedError as refused:
            answer = refused.answer
        content, headers_out = answer.content()
        is_json = "json" in headers_out.get("content-type", "")
        return answer.status, json.loads(content) if is_json else content

    def admin(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        """Call a route as the platform's admin."""
        return self.call(method, path, document, {"Authorization": f"Bearer {ADMIN}"})

    def tenant(self, method: str, path: str, document: object = None, **headers: str) -> tuple[int, Any]:
        """Call a route as a tenant."""
        return self.call(method, path, document, {"Authorization": f"Bearer {SHARED}"} | headers)

    def create(self, slug: str = "e2e-one") -> dict[str, Any]:
        """Create an organisation and wait until its machine was ordered."""
        status, answer = self.admin(
            "POST", "/cp/admin/orgs", {"slug": slug, "name": f"E2E {slug}", "owner_user_id": "me"}
        )
        assert status == 201
        self.until(lambda: self.org(slug)["instance_id"])
        return dict(answer)

    def org(self, slug: str) -> Any:
        """Return the organisation's row."""
        row = self.estate.org(slug)
        assert row is not None
        return row

    def acted(self, fault: str) -> int:
        """Return how often a fault has acted."""
        return acts_in(Path(self.estate.faults.trace), [Fault(fault)])[fault]

    def close(self) -> None:
        """End what goes on behind the answers."""
        assert self.estate.background.stop()

    def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> None:
        """Poll until the condition is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition never came"
            time.sleep(0.005)


OfficeFactory = Callable[..., Office]


@pytest.fixture
def make_office(tmp_path: Path, route: Callable[..., tuple[Call, Handler]]) -> Iterator[OfficeFactory]:
    """Make a control plane at speed 1000 with two images, one of them pinned, and these faults."""
    with ExitStack() as stack:

        def make(*faults: str) -> Office:
            office = _office(tmp_path, route, faults)
            stack.callback(office.estate.database.close)
            stack.callback(office.close)
            return office

        yield make


@pytest.fixture
def office(make_office: OfficeFactory) -> Office:
    """A control plane without faults."""
    return make_office()


def _office(tmp_path: Path, route: Callable[..., tuple[Call, Handler]], faults: tuple[str, ...]) -> Office:
    machines = FakeMachines()
    database = Database(tmp_path / "cp.sqlite", SCHEMA)
    archives = {("molecule-ai", "plugin", "main"): b"packed"}
    plan = FaultPlan(tuple(map(parse_fault, faults)), time.monotonic(), 1000.0, str(tmp_path / "trace"))
    estate = Estate(
        database=database,
        clock=PlatformClock(1000.0, real_floor=1.0),
        machines=machines,
        images={"plain": FakeImage(), "other": FakeImage("other", digest=OTHER_DIGEST)},
        identities=Identities(0),
        secrets=Secrets(ADMIN, SHARED, "template"),
        faults=plan,
        gate="2026-06-20",
        seed=0,
        url="http://127.0.0.1:1",
        gateway_url="http://127.0.0.1:2",
        hosts_folder=tmp_path / "hosts",
        archive=lambda owner, repository, ref: archives.get((owner, repository, ref)),
        launching=threading.RLock(),
    )
    set_pin(estate, "claude-code", DIGEST, "test")
    return Office(estate, machines, route)
