"""First boots that go wrong, as the control plane tells of them."""

from collections.abc import Callable
from typing import Any

import pytest

from e2e.twin.control_plane import boot_failures
from e2e.twin.listener import Listener, bind_loopback, url_of
from e2e.twin.wire import Answer, Application, Call, RefusedError, Route


class Machine:
    """A machine that notes what is asked of it and what it prints."""

    def __init__(self) -> None:
        self.console: list[str] = []
        self.containers: list[Any] = []

    def print_on_console(self, text: str) -> None:
        self.console.append(text)

    def run_container(self, spec: Any) -> Any:
        self.containers.append(spec)
        raise OSError("no container in this test")


def boot(office: Any) -> Machine:
    office.create()
    machine = Machine()
    office.machines.launched[0]["on_running"](machine)
    return machine


def stages(office: Any) -> list[str]:
    events = office.admin("GET", "/cp/admin/tenants/e2e-one/boot-events")[1]["events"]
    return [event["stage"] for event in events]


def row(office: Any) -> tuple[str, str]:
    found = office.org("e2e-one")
    return found["instance_status"], found["last_error"]


def test_without_capacity_there_is_no_machine_and_the_error_is_amazons(make_office: Callable[..., Any]) -> None:
    office = make_office("capacity-exhausted")
    office.admin("POST", "/cp/admin/orgs", {"slug": "e2e-one", "name": "E2E e2e-one", "owner_user_id": "me"})
    office.until(lambda: office.org("e2e-one")["instance_status"] == "failed")
    assert row(office)[1].startswith("RunInstances: InsufficientInstanceCapacity: We currently do not have sufficient")
    assert office.machines.launched == []
    assert stages(office) == ["launching", "failed"]
    assert office.acted("capacity-exhausted") == 1


def test_a_missing_pin_fails_an_organisation_that_has_a_machine(make_office: Callable[..., Any]) -> None:
    office = make_office("provisioning-failed")
    assert boot(office).containers == []
    assert row(office) == ("failed", "RUNTIME_PIN_MISSING")
    assert stages(office) == ["launching", "installing", "failed"]


def test_a_boot_that_hangs_stays_in_provisioning(make_office: Callable[..., Any]) -> None:
    office = make_office("provisioning-timeout")
    machine = boot(office)
    assert (machine.containers, machine.console) == ([], [])
    assert row(office) == ("provisioning", "")
    assert stages(office) == ["launching", "installing"]


def test_a_full_zone_is_told_with_the_number_of_the_error(make_office: Callable[..., Any]) -> None:
    office = make_office("record-quota")
    office.create()
    with pytest.raises(boot_failures.TenantBootError, match="error 81045: Record quota exceeded"):
        boot_failures.fail_to_finish(office.estate, office.org("e2e-one"))
    assert office.acted("record-quota") == 1


@pytest.mark.parametrize("fail", [boot_failures.fail_to_launch, boot_failures.fail_to_set_up])
def test_without_a_fault_nothing_fails(office: Any, fail: Callable[[Any, Any], None]) -> None:
    office.create()
    fail(office.estate, office.org("e2e-one"))
    boot_failures.fail_to_finish(office.estate, office.org("e2e-one"))
    assert not boot_failures.loses_the_race(office.estate, office.org("e2e-one"), Machine())  # type: ignore[arg-type]


@pytest.mark.parametrize("listens", [True, False])
def test_a_machine_without_its_secret_is_refused_and_ends_its_boot(
    make_office: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    office = make_office("boot-race")
    seen: list[Call] = []

    def refuse(call: Call) -> Answer:
        seen.append(call)
        raise RefusedError(401, "unauthorized")

    socket = bind_loopback(0)
    listener = Listener(Application([Route("POST", "/cp/tenants/boot-event", refuse)]), socket)
    object.__setattr__(office.estate, "url", url_of(socket))
    if listens:
        listener.start()
    else:
        socket.close()
    try:
        machine = boot(office)
    finally:
        listener.stop()
    assert machine.containers == []
    assert row(office) == ("provisioning", "")
    assert stages(office) == ["launching"]
    if listens:
        assert machine.console[0] == "curl: (22) The requested URL returned error: 401"
        (call,) = seen
        assert call.bearer() is None
    else:
        assert machine.console[0].startswith("curl: (7) ")


@pytest.mark.parametrize(("faults", "seconds"), [((), 15.0), (("slow-boot:seconds=250",), 265.0)])
def test_a_slow_boot_is_longer_by_its_seconds(
    make_office: Callable[..., Any], faults: tuple[str, ...], seconds: float
) -> None:
    office = make_office(*faults)
    office.create()
    assert office.machines.launched[0]["boot_seconds"] == seconds
