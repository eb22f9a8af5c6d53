"""What is left of the hosts when the twin dies without a word."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from e2e.twin.hosts.processes import marked
from e2e.twin.hosts.wrappers import host_side_program

Eventually = Callable[[Callable[[], bool]], None]


def test_the_end_of_the_lifeline_ends_what_runs_on_the_hosts(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "console.log").touch()
    mark = {"AWS_SSM_INSTANCE_ID": "i-00000000000000abc"}
    ours = subprocess.Popen(["sleep", "600"], env={**mark, "PATH": f"{folder}/bin:/bin"})
    twin_beside = subprocess.Popen(["sleep", "600"], env={**mark, "PATH": f"{tmp_path}/other/bin:/bin"})
    try:
        reaper = subprocess.Popen(host_side_program("e2e.twin.hosts.reaper"), stdin=subprocess.PIPE)
        reaper.communicate(f"i-00000000000000abc {folder}\n".encode(), timeout=20)
        assert reaper.returncode == 0
        assert ours.wait(timeout=10) == -9
        assert twin_beside.poll() is None, "ids are seeded: another twin may have the same, in another folder"
    finally:
        for process in (ours, twin_beside):
            process.kill()
            process.wait()
    assert not folder.exists()


def test_a_lifeline_that_named_nothing_ends_nothing() -> None:
    with subprocess.Popen(["sleep", "600"], env={"AWS_SSM_INSTANCE_ID": ""}) as bystander:
        reaper = subprocess.run(host_side_program("e2e.twin.hosts.reaper"), input=b"", timeout=20, check=False)
        assert reaper.returncode == 0
        assert bystander.poll() is None
        assert bystander.pid in marked("AWS_SSM_INSTANCE_ID=", folder="")
        bystander.kill()
