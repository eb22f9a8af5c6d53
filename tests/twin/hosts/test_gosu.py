"""Going on as another user inside a container."""

import os
import subprocess
from pathlib import Path

import pytest

from e2e.twin.hosts.wrappers import install_in_container


def _gosu(rootfs: Path, agent_uid: int | None, *arguments: str) -> "subprocess.CompletedProcess[str]":
    install_in_container(rootfs, agent_uid)
    return subprocess.run(
        [rootfs / "usr/local/bin/gosu", *arguments],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_agent_has_its_own_user_where_it_can_have_one(tmp_path: Path) -> None:
    assert _gosu(tmp_path, 1000, "agent", "id", "-u").stdout == "1000\n"
    assert _gosu(tmp_path, 1000, "root", "id", "-u").stdout == "0\n"


def test_else_it_stays_who_it_is_with_the_agents_home(tmp_path: Path) -> None:
    found = _gosu(tmp_path, None, "agent", "sh", "-c", "id -u; echo $HOME")
    assert found.stdout.splitlines() == [str(os.geteuid()), f"{tmp_path}/home/agent"]


def test_the_exit_code_is_that_of_the_command(tmp_path: Path) -> None:
    assert _gosu(tmp_path, None, "agent", "sh", "-c", "exit 9").returncode == 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("bob", "id"), "unable to find user bob"), (("agent", "no-such"), "not found in $PATH"), (("agent",), "Usage")],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    found = _gosu(tmp_path, None, *arguments)
    assert found.returncode == 1
    assert said in found.stderr
