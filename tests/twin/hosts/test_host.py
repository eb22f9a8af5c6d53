"""A machine: its folder, its programs, its containers, and its end."""

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from e2e.twin.hosts.container import ContainerError
from e2e.twin.hosts.host import HostGoneError
from e2e.twin.hosts.processes import marked

if TYPE_CHECKING:
    from tests.twin.hosts.conftest import Machine

Eventually = Callable[[Callable[[], bool]], None]


def test_inspect_has_the_fields_of_a_real_engine(machine: "Machine") -> None:
    container = machine.run("sleep", "600", restart="always")
    record = container.inspect()
    assert len(record["Id"]) == 64
    assert record["Name"] == "/box"
    assert (record["Path"], record["Args"]) == ("sleep", ["600"])
    assert record["Image"] == "sha256:" + "ab" * 32
    assert record["Config"]["Image"] == "registry.example:5000/team/agent:1.2"
    assert "ORG_KEY=s3cret" in record["Config"]["Env"]
    assert "PYTHONPATH=/app:/elsewhere" in record["Config"]["Env"]
    assert not [entry for entry in record["Config"]["Env"] if entry.startswith("CONTAINER_")]
    assert record["Config"]["Labels"] == {"role": "agent"}
    assert record["HostConfig"]["RestartPolicy"]["Name"] == "always"
    (mount,) = record["Mounts"]
    assert (mount["Source"], mount["Destination"], mount["RW"]) == (str(machine.host.configs), "/configs", True)


def test_the_hosts_configs_hide_those_of_the_image(machine: "Machine") -> None:
    container = machine.run()
    (machine.host.configs / "settings.json").write_text("{}")
    assert [path.name for path in (container.rootfs / "configs").iterdir()] == ["settings.json"]


def test_without_the_mount_the_images_own_configs_stay(machine: "Machine") -> None:
    container = machine.run(mount_configs=False)
    assert (container.rootfs / "configs/hidden-by-the-mount").exists()
    assert container.inspect()["Mounts"] == []


def test_a_name_is_taken_once(machine: "Machine") -> None:
    container = machine.run()
    with pytest.raises(ContainerError, match="already in use"):
        machine.run()
    assert machine.host.container("box") is container
    assert container.is_running()


def test_a_removed_container_makes_room_for_another(machine: "Machine") -> None:
    first = machine.run()
    machine.host.remove_container("box")
    machine.host.remove_container("box")
    assert not first.is_running()
    second = machine.run()
    assert second.container_id != first.container_id
    with pytest.raises(KeyError):
        machine.host.container("other")


def test_the_hosts_python_is_the_base_interpreter_without_packages(machine: "Machine") -> None:
    program = "import sys; print(sys.flags.no_site, sys.prefix)"
    found = subprocess.run(
        ["python3", "-c", program], env={"PATH": machine.host.search_path}, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["1", sys.base_prefix]


def test_the_containers_python_has_the_twins_packages(machine: "Machine") -> None:
    assert machine.docker("exec", machine.run().name, "python3", "-c", "import httpx").returncode == 0


def test_destroying_a_host_kills_everything_on_it_and_removes_its_folder(
    machine: "Machine", eventually: Eventually
) -> None:
    container = machine.run("sh", "-c", "setsid sleep 600 & sleep 600")
    environment = {"AWS_SSM_INSTANCE_ID": machine.host.instance_id, "PATH": machine.host.search_path}
    daemon = subprocess.Popen(["sleep", "600"], env=environment)
    eventually(lambda: len(marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder))) == 3)
    machine.host.destroy()
    machine.host.destroy()
    assert marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder)) == []
    try:
        assert daemon.wait(timeout=10) == -9
    finally:
        daemon.kill()
        daemon.wait()
    assert not machine.host.folder.exists()
    with pytest.raises(HostGoneError):
        machine.run()
    machine.host.print_on_console("nobody hears this")
