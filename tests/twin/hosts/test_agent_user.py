"""Whether the agent can have a user of its own, by trying."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.twin.hosts.agent_user import AGENT_ID, agent_user

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@needs_root
def test_root_with_a_readable_package_gets_the_agents_user(shared_folder: Path) -> None:
    found = agent_user(shared_folder)
    probe = subprocess.run(
        [sys.executable, "-I", "-c", "import e2e"],
        user=AGENT_ID,
        group=AGENT_ID,
        cwd="/",
        capture_output=True,
        check=False,
    )
    assert (found == AGENT_ID) == (probe.returncode == 0)


@needs_root
def test_a_folder_that_the_agent_cannot_step_into_means_one_user_for_all(shared_folder: Path) -> None:
    closed = shared_folder / "closed"
    closed.mkdir(mode=0o700)
    assert agent_user(closed) is None


@needs_root
def test_a_package_that_the_agent_cannot_read_means_one_user_for_all(shared_folder: Path) -> None:
    hidden = shared_folder / "hidden"
    shutil.copytree(Path(__file__).resolve().parents[3] / "e2e/contract", hidden / "e2e")
    hidden.chmod(0o700)
    assert agent_user(shared_folder, package_root=hidden, interpreter="/usr/bin/env") is None


@needs_root
def test_an_interpreter_that_cannot_be_started_means_one_user_for_all(shared_folder: Path) -> None:
    assert agent_user(shared_folder, interpreter=str(shared_folder / "no-python")) is None


def test_who_is_not_root_has_one_user_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert agent_user(tmp_path) is None
