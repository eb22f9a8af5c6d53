"""What this machine adds to an image: interpreter, change of user, bytecode."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.twin.images import DEFAULT_IMAGE, catalogue
from e2e.twin.images.rootfs import AGENT_UID, agent_uid


@pytest.fixture
def programs(sandbox: Path) -> Path:
    """The programs of a built image."""
    rootfs = sandbox / "rootfs"
    rootfs.mkdir()
    catalogue(light_mcp=False)[DEFAULT_IMAGE].build_rootfs(rootfs)
    return rootfs / "usr" / "local" / "bin"


def _run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    result = subprocess.run(command, env=environment or {}, capture_output=True, text=True, check=True, timeout=60)
    return result.stdout.strip()


def test_python3_in_a_container_is_the_interpreter_of_the_twin(programs: Path) -> None:
    assert _run(programs / "python3", "-c", "import sys; print(sys.prefix)") == sys.prefix


def test_python3_in_a_container_can_import_the_mcp_sdk(programs: Path) -> None:
    assert _run(programs / "python3", "-c", "import importlib.util as u; print(bool(u.find_spec('mcp')))") == "True"


def test_gosu_runs_as_the_agent_or_stays_where_it_cannot(programs: Path) -> None:
    wanted = agent_uid()

    seen = _run(programs / "gosu", "agent", "id", "-u", environment={"PATH": os.environ["PATH"]})

    assert seen == str(os.geteuid() if wanted is None else wanted)


def test_gosu_gives_the_agent_a_home_of_the_container(programs: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "CONTAINER_ROOT": "/some/rootfs"}

    assert (
        _run(programs / "gosu", "agent", "sh", "-c", "echo $HOME", environment=environment) == "/some/rootfs/home/agent"
    )


def test_the_agent_is_uid_1000_only_where_the_twin_is_root() -> None:
    assert agent_uid() in ((AGENT_UID, None) if os.geteuid() == 0 else (None,))


def test_python_files_come_compiled_and_run_from_their_bytecode(programs: Path) -> None:
    app = programs.parent.parent.parent / "app"
    (app / "molecule_runtime" / "container.py").write_text("raise SystemExit('compiled again')")

    out = _run(
        programs / "python3",
        "-c",
        "import molecule_runtime.container as c; print(c.is_container_path('/configs/x'))",
        environment={"PYTHONPATH": str(app)},
    )

    assert out == "True"
