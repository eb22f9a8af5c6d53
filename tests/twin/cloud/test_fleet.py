"""The lives of machines."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.fleet import Fleet, UnknownInstanceError
from e2e.twin.hosts.container import ContainerSpec
from e2e.twin.hosts.host import Host, HostGoneError
from e2e.twin.hosts.processes import marked

Eventually = Callable[[Callable[[], bool]], None]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet at speed 100 whose agents have no user of their own."""
    fleet = Fleet(PlatformClock(100), tmp_path / "hosts", 7, find_agent_user=lambda _folder: None)
    yield fleet
    fleet.close()


def _launch(fleet: Fleet, **changes: object) -> str:
    order = {
        "name_tag": "tenant-one",
        "tags": {"Environment": "staging"},
        "boot_seconds": 0,
        "registration_seconds": 0,
        "on_running": lambda _host: None,
    }
    return fleet.launch(**{**order, **changes})  # type: ignore[arg-type]


def _sleeper(name: str = "box") -> ContainerSpec:
    command = ("sh", "-c", "setsid sleep 600 & sleep 600")
    return ContainerSpec(name, "image:1", "sha256:0", command, {}, {}, lambda _rootfs: None, mount_configs=True)


def test_a_machine_is_pending_then_running_then_managed(fleet: Fleet, eventually: Eventually) -> None:
    came_up = threading.Event()
    instance_id = _launch(fleet, boot_seconds=5, registration_seconds=5, on_running=lambda _host: came_up.set())
    assert fleet.state(instance_id) == "pending"
    with pytest.raises(HostGoneError):
        fleet.host(instance_id)
    eventually(lambda: fleet.state(instance_id) == "running")
    eventually(came_up.is_set)
    eventually(lambda: fleet.view(instance_id).registered_at is not None)
    assert fleet.host(instance_id).folder.parent == fleet.folder


def test_running_comes_before_registration(fleet: Fleet, eventually: Eventually) -> None:
    instance_id = _launch(fleet, registration_seconds=1e9)
    eventually(lambda: fleet.state(instance_id) == "running")
    assert fleet.view(instance_id).registered_at is None


def test_the_same_seed_gives_the_same_ids(tmp_path: Path) -> None:
    ids = []
    for folder in ("one", "two"):
        fleet = Fleet(PlatformClock(100), tmp_path / folder, 3, find_agent_user=lambda _folder: None)
        ids.append([_launch(fleet), _launch(fleet)])
        fleet.close()
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_terminating_kills_everything_at_once_and_ends_a_little_later(fleet: Fleet, eventually: Eventually) -> None:
    instance_id = _launch(fleet, on_running=lambda host: host.run_container(_sleeper()))
    eventually(lambda: bool(fleet.view(instance_id).host and fleet.host(instance_id).containers()))
    host = fleet.host(instance_id)
    container = host.container("box")
    fleet.terminate(instance_id)
    assert marked(f"CONTAINER_ID={container.container_id}", folder=str(fleet.folder)) == []
    assert not host.folder.exists()
    eventually(lambda: fleet.state(instance_id) == "terminated")
    fleet.terminate(instance_id)
    assert fleet.view(instance_id).registered_at is None
    assert "is up" in fleet.console(instance_id)


def test_shutting_down_lasts_three_platform_seconds(tmp_path: Path) -> None:
    fleet = Fleet(PlatformClock(0.01), tmp_path / "hosts", 7, find_agent_user=lambda _folder: None)
    instance_id = _launch(fleet)
    fleet.terminate(instance_id)
    assert fleet.state(instance_id) == "shutting-down"
    fleet.close()


def test_a_machine_terminated_before_it_was_up_never_comes_up(fleet: Fleet) -> None:
    came_up = threading.Event()
    instance_id = _launch(fleet, boot_seconds=1e6, on_running=lambda _host: came_up.set())
    fleet.terminate(instance_id)
    fleet.close()
    assert not came_up.is_set()
    assert list(fleet.folder.iterdir()) == []


def test_terminating_during_the_set_up_is_no_error(
    fleet: Fleet, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def set_up(host: Host) -> None:
        arrived.set()
        go_on.wait()
        host.run_container(_sleeper())

    instance_id = _launch(fleet, on_running=set_up)
    eventually(arrived.is_set)
    fleet.terminate(instance_id)
    go_on.set()
    fleet.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_set_up_that_fails_is_a_machine_that_does_nothing(
    fleet: Fleet, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    def set_up(_host: Host) -> None:
        raise ValueError("no image")

    instance_id = _launch(fleet, on_running=set_up)
    eventually(lambda: "set-up failed: no image" in fleet.console(instance_id))
    assert fleet.state(instance_id) == "running"
    assert "no image" in caplog.text


def test_what_was_never_launched_is_unknown(fleet: Fleet) -> None:
    for call in (fleet.state, fleet.view, fleet.terminate, fleet.host, fleet.console):
        with pytest.raises(UnknownInstanceError):
            call("i-00000000000000000")
    with pytest.raises(UnknownInstanceError):
        fleet.tag("i-00000000000000000", {})


def test_a_closed_fleet_launches_nothing(fleet: Fleet) -> None:
    fleet.close()
    fleet.close()
    with pytest.raises(RuntimeError, match="closed"):
        _launch(fleet)


def test_the_agents_user_is_searched_for_once(tmp_path: Path) -> None:
    asked: list[Path] = []

    def search(folder: Path) -> int | None:
        asked.append(folder)
        return 4711

    fleet = Fleet(PlatformClock(100), tmp_path / "hosts", 7, find_agent_user=search)
    assert (fleet.agent_uid(), fleet.agent_uid()) == (4711, 4711)
    fleet.close()
    assert asked == [tmp_path / "hosts"]


_OWNER = """
import json, subprocess, sys, time
from pathlib import Path
from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.hosts.container import ContainerSpec
fleet = Fleet(PlatformClock(100), Path(sys.argv[1]), 1, find_agent_user=lambda folder: None)
def set_up(host):
    command = ("sh", "-c", "setsid sleep 600 & sleep 600")
    container = host.run_container(ContainerSpec("box", "i:1", "sha256:0", command, {}, {}, lambda r: None, True))
    environment = {"AWS_SSM_INSTANCE_ID": host.instance_id, "PATH": host.search_path}
    subprocess.Popen(["setsid", "sleep", "600"], env=environment)
    print(json.dumps([host.instance_id, container.container_id]), flush=True)
fleet.launch(name_tag="n", tags={}, boot_seconds=0, registration_seconds=0, on_running=set_up)
time.sleep(600)
"""


def test_killing_the_twin_leaves_no_process_and_no_host_folder(
    tmp_path: Path, start: Start, eventually: Eventually
) -> None:
    def alive(marker: str) -> list[int]:
        return marked(marker, folder=str(tmp_path))

    owner = start([sys.executable, "-c", _OWNER, str(tmp_path / "hosts")], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    instance_id, container_id = json.loads(owner.stdout.readline())
    least = {f"AWS_SSM_INSTANCE_ID={instance_id}": 1, f"CONTAINER_ID={container_id}": 3}
    eventually(lambda: all(len(alive(marker)) >= count for marker, count in least.items()))
    owner.kill()
    owner.wait()
    eventually(lambda: not any(alive(marker) for marker in least))
    eventually(lambda: not (tmp_path / "hosts" / instance_id).exists())
