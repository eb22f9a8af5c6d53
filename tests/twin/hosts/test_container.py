"""A container's life: started, watched, stopped, restarted, and never left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.twin.hosts.container import ContainerError
from e2e.twin.hosts.processes import descendants, marked

if TYPE_CHECKING:
    from tests.twin.hosts.conftest import Machine

Eventually = Callable[[Callable[[], bool]], None]
Start = Callable[..., "subprocess.Popen[bytes]"]


def _log(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text().splitlines()
    return [(line.split(" ", 2)[1], line.split(" ", 2)[2]) for line in lines]


def test_a_started_container_runs_and_says_so(machine: "Machine") -> None:
    container = machine.run()
    record = container.inspect()
    assert container.is_running()
    assert record["State"]["Pid"] == container.pid
    assert record["State"]["Status"] == "running"
    assert record["State"]["StartedAt"] > record["Created"]


def test_both_outputs_are_logged(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run("sh", "-c", "echo out; echo err >&2; printf unfinished; exec sleep 0.05")
    eventually(lambda: not container.is_running())
    assert sorted(_log(container.log_path)) == [("e", "err"), ("o", "out"), ("o", "unfinished")]


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_recorded(machine: "Machine", eventually: Eventually, script: str, code: int) -> None:
    container = machine.run("sh", "-c", script)
    eventually(lambda: container.inspect()["State"]["Status"] == "exited")
    state = container.inspect()["State"]
    assert state["ExitCode"] == code
    assert state["FinishedAt"] >= state["StartedAt"]
    assert not state["OOMKilled"]


def test_the_end_of_the_main_process_is_the_end_of_all_others(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run("sh", "-c", "env -i setsid sleep 600 & setsid sleep 600 & sleep 0.1")
    eventually(lambda: not container.is_running())
    assert marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder)) == []
    assert [pid for pid in descendants(os.getpid()) if _is_sleep_600(pid)] == []


def _is_sleep_600(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00600\x00"
    except OSError:
        return False


def test_stop_asks_first(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run("sh", "-c", "trap 'echo bye; exit 7' TERM; echo trapped; sleep 600 & wait")
    eventually(lambda: ("o", "trapped") in _log(container.log_path))
    container.stop()
    assert not container.is_running()
    assert container.inspect()["State"]["ExitCode"] == 7
    assert ("o", "bye") in _log(container.log_path)


def test_restart_gives_a_new_process_and_keeps_log_and_count(machine: "Machine") -> None:
    container = machine.run("sh", "-c", "echo up; exec sleep 600")
    before = container.inspect()
    first = container.pid
    container.restart()
    after = container.inspect()
    assert container.is_running()
    assert container.pid != first
    assert after["State"]["StartedAt"] > before["State"]["StartedAt"]
    assert after["Id"] == before["Id"]
    assert after["RestartCount"] == 0


def test_a_stopped_container_can_be_started_again(machine: "Machine") -> None:
    container = machine.run()
    container.stop()
    container.stop()
    container.restart()
    assert container.is_running()


def test_the_engine_restarts_what_is_to_be_always_up(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run("sh", "-c", "exit 1", restart="always")
    eventually(lambda: container.inspect()["RestartCount"] >= 3)
    container.stop()
    count = container.inspect()["RestartCount"]
    assert container.inspect()["State"]["Status"] == "exited"
    assert container.inspect()["RestartCount"] == count


def test_a_command_that_is_not_there_is_an_error_and_leaves_nothing(machine: "Machine") -> None:
    with pytest.raises(ContainerError, match="executable file not found"):
        machine.run("no-such-program")
    assert machine.host.containers() == []


def test_a_file_that_cannot_be_executed_is_an_error(machine: "Machine") -> None:
    with pytest.raises(ContainerError, match="permission denied"):
        machine.run("/app/greeting.txt")


def test_a_broken_program_is_an_error(machine: "Machine") -> None:
    def build(rootfs: Path) -> None:
        (rootfs / "app").mkdir()
        (rootfs / "app/broken").write_text("#!/no/such/interpreter\n")
        (rootfs / "app/broken").chmod(0o755)

    with pytest.raises(ContainerError, match="No such file"):
        machine.run("/app/broken", build_rootfs=build)


def test_the_main_process_gets_the_containers_environment_and_directory(
    machine: "Machine", eventually: Eventually
) -> None:
    container = machine.run("sh", "-c", "env; pwd", working_directory="/app")
    eventually(lambda: not container.is_running())
    lines = [text for _, text in _log(container.log_path)]
    assert "ORG_KEY=s3cret" in lines
    assert f"CONTAINER_ROOT={container.rootfs}" in lines
    assert f"PYTHONPATH={container.rootfs}/app:/elsewhere" in lines
    assert f"HOME={container.rootfs}/root" in lines
    assert lines[-1] == f"{container.rootfs}/app"
    assert not [line for line in lines if line.startswith("PYTEST")]


def test_a_supervisor_that_is_told_to_go_takes_its_container_along(machine: "Machine", eventually: Eventually) -> None:
    container = machine.run("sh", "-c", "setsid sleep 600 & sleep 600")
    parent = int(Path(f"/proc/{container.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGTERM)
    eventually(lambda: marked(f"CONTAINER_ID={container.container_id}", folder=str(machine.host.folder)) == [])
    with pytest.raises(ContainerError, match="gone"):
        container.stop()


_OWNER = """
import json, sys, time
from pathlib import Path
from e2e.twin.clock import PlatformClock
from e2e.twin.hosts.container import ContainerSpec
from e2e.twin.hosts.host import Host
host = Host("i-0123456789abcdef0", Path(sys.argv[1]), PlatformClock(1))
command = ("sh", "-c", "setsid sleep 600 & env -i setsid sleep 600 & sleep 600")
spec = ContainerSpec("box", "image:1", "sha256:0", command, {}, {}, lambda rootfs: None, True)
container = host.run_container(spec)
print(json.dumps([container.container_id, container.pid]), flush=True)
time.sleep(600)
"""


def test_killing_the_owner_ends_its_containers(tmp_path: Path, start: Start, eventually: Eventually) -> None:
    owner = start([sys.executable, "-c", _OWNER, str(tmp_path / "host")], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    container_id, pid = json.loads(owner.stdout.readline())
    eventually(lambda: len(marked(f"CONTAINER_ID={container_id}", folder=str(tmp_path))) >= 3)
    tree = [pid, *descendants(pid)]
    assert len(tree) >= 3
    owner.kill()
    owner.wait()
    eventually(lambda: not any(Path(f"/proc/{one}").exists() for one in tree))
    assert marked(f"CONTAINER_ID={container_id}", folder=str(tmp_path)) == []
