"""`docker exec`."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.twin.clock import PlatformClock
from e2e.twin.hosts.agent_user import AGENT_ID
from e2e.twin.hosts.container import ContainerSpec
from e2e.twin.hosts.host import Host
from e2e.twin.hosts.processes import kill_all, marked

if TYPE_CHECKING:
    from tests.twin.hosts.conftest import Machine

Eventually = Callable[[Callable[[], bool]], None]
Start = Callable[..., "subprocess.Popen[bytes]"]


def test_whole_arguments_are_mapped_and_text_is_not(machine: "Machine") -> None:
    container = machine.run()
    (machine.host.configs / "settings.json").write_text("{}")
    assert machine.docker("exec", "box", "cat", "/app/greeting.txt", "/configs/settings.json").stdout == "hello\n{}"
    assert machine.docker("exec", "box", "sh", "-c", "echo /app/greeting.txt").stdout == "/app/greeting.txt\n"
    assert machine.docker("exec", "box", "echo", "/app").stdout == f"{container.rootfs}/app\n"


def test_the_environment_is_the_containers(machine: "Machine") -> None:
    container = machine.run()
    lines = machine.docker("exec", "-e", "GIVEN=1", "-e", "FROM_CLIENT", "-e", "ABSENT", "box", "env").stdout.split(
        "\n"
    )
    assert {"ORG_KEY=s3cret", "GIVEN=1", "FROM_CLIENT=client-side"} <= set(lines)
    assert f"HOME={container.rootfs}/root" in lines
    assert f"PYTHONPATH={container.rootfs}/app:/elsewhere" in lines
    assert not [line for line in lines if line.startswith(("ABSENT", "SSM_COMMAND_ID"))]


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137)])
def test_the_exit_code_is_passed_through(machine: "Machine", script: str, code: int) -> None:
    machine.run()
    assert machine.docker("exec", "box", "sh", "-c", script).returncode == code


def test_standard_input_only_when_interactive(machine: "Machine") -> None:
    machine.run()
    assert machine.docker("exec", "-i", "box", "cat", stdin="given").stdout == "given"
    assert machine.docker("exec", "box", "cat", stdin="given").stdout == ""


def test_the_working_directory_can_be_chosen(machine: "Machine") -> None:
    container = machine.run()
    assert machine.docker("exec", "box", "pwd").stdout == f"{container.rootfs}\n"
    assert machine.docker("exec", "-w", "/app", "box", "pwd").stdout == f"{container.rootfs}/app\n"
    found = machine.docker("exec", "--workdir", "/app/absent", "box", "pwd")
    assert found.returncode == 126
    assert 'chdir to cwd ("/app/absent")' in found.stderr


def test_programs_that_cannot_be_started(machine: "Machine") -> None:
    machine.run()
    absent = machine.docker("exec", "box", "no-such-program")
    assert absent.returncode == 127
    assert 'exec: "no-such-program": executable file not found in $PATH' in absent.stderr
    assert machine.docker("exec", "box", "/app/absent").returncode == 127
    refused = machine.docker("exec", "box", "/app/greeting.txt")
    assert refused.returncode == 126
    assert "permission denied" in refused.stderr


def test_containers_that_cannot_be_entered(machine: "Machine") -> None:
    container = machine.run()
    assert machine.docker("exec", "absent", "true").stderr == "Error: No such container: absent\n"
    container.stop()
    stopped = machine.docker("exec", "box", "true")
    assert stopped.returncode == 1
    assert stopped.stderr == f"Error response from daemon: Container {container.container_id} is not running\n"
    assert machine.docker("exec", "box").returncode == 1


def test_a_terminal_cannot_be_had(machine: "Machine") -> None:
    machine.run()
    assert machine.docker("exec", "-it", "box", "sh", stdin="").stderr == "the input device is not a TTY\n"


def test_users(machine: "Machine") -> None:
    machine.run()
    for user in ("agent", "1000", "1000:1000"):
        found = machine.docker("exec", "-u", user, "box", "id", "-u")
        assert found.stdout == f"{os.geteuid()}\n", "without a user of its own the agent is who we are"
    assert "home/agent" in machine.docker("exec", "-u", "agent", "box", "sh", "-c", "echo $HOME").stdout
    unknown = machine.docker("exec", "--user=bob", "box", "id")
    assert unknown.returncode == 126
    assert "unable to find user bob" in unknown.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_where_it_can_the_agent_has_a_user_of_its_own(shared_folder: Path) -> None:
    host = Host("i-0123456789abcdef0", shared_folder / "host", PlatformClock(100), agent_uid=lambda: AGENT_ID)
    command = ("sh", "-c", "gosu agent id -u; gosu agent sh -c 'echo $HOME'; exec sleep 600")
    spec = ContainerSpec("box", "i:1", "sha256:0", command, {}, {}, lambda _rootfs: None, mount_configs=True)
    container = host.run_container(spec)
    docker = [str(host.folder / "bin/docker"), "exec"]
    try:
        agent = subprocess.run(
            [*docker, "-u", "agent", "box", "sh", "-c", "id -u; id -g; touch ~/mine"], capture_output=True, check=True
        )
        root = subprocess.run([*docker, "box", "id", "-u"], capture_output=True, check=True)
        secret = subprocess.run(
            [*docker, "-u", "1000", "box", "cat", str(container.folder / "inspect.json")], check=False
        )
        assert (agent.stdout, root.stdout) == (b"1000\n1000\n", b"0\n")
        assert (container.rootfs / "home/agent/mine").stat().st_uid == AGENT_ID
        assert secret.returncode == 1, "what docker inspect shows is not the agent's to read"
    finally:
        host.destroy()


def test_a_process_outlives_the_client_and_carries_the_commands_mark(
    machine: "Machine", start: Start, eventually: Eventually
) -> None:
    container = machine.run()

    def inside() -> int:
        return len(marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder)))

    client = start(
        [machine.host.folder / "bin/docker", "exec", "box", "sleep", "600"],
        env={"PATH": machine.host.search_path, "SSM_COMMAND_ID": "a-command"},
    )
    eventually(lambda: inside() == 2)
    client.kill()
    client.wait()
    assert inside() == 2
    kill_all(lambda: marked("SSM_COMMAND_ID=a-command", folder=str(machine.host.folder)))
    assert inside() == 1


def test_detached_processes_are_not_waited_for(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run()
    client = subprocess.run(
        [machine.host.folder / "bin/docker", "exec", "-d", "box", "sleep", "600"], timeout=20, check=False
    )
    assert client.returncode == 0
    eventually(lambda: len(marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder))) == 2)
    container.stop()
    assert marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder)) == []
