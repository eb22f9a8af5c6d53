"""Hosts for tests: real folders, real processes."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.clock import PlatformClock
from e2e.twin.hosts.container import Container, ContainerSpec
from e2e.twin.hosts.host import Host

Eventually = Callable[[Callable[[], bool]], None]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def eventually() -> Eventually:
    """Poll a condition until it holds; fail after ten seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            time.sleep(0.005)

    return wait


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that do not outlive the test, whatever becomes of it."""
    with ExitStack() as stack:

        def run(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
            process: subprocess.Popen[bytes] = subprocess.Popen(command, **options)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield run


@dataclass
class Machine:
    """A host with short cuts for tests."""

    host: Host

    def run(self, *command: str, name: str = "box", **changes: object) -> Container:
        """Run a container with some content of its own."""

        def build(rootfs: Path) -> None:
            (rootfs / "app").mkdir()
            (rootfs / "app/greeting.txt").write_text("hello\n")
            (rootfs / "configs").mkdir()
            (rootfs / "configs/hidden-by-the-mount").touch()

        spec = ContainerSpec(
            name=name,
            image_reference="registry.example:5000/team/agent:1.2",
            image_digest="sha256:" + "ab" * 32,
            command=command or ("sleep", "600"),
            environment={"ORG_KEY": "s3cret", "PYTHONPATH": "/app:/elsewhere"},
            labels={"role": "agent"},
            build_rootfs=build,
            mount_configs=True,
        )
        return self.host.run_container(type(spec)(**{**vars(spec), **changes}))

    def docker(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run the host's docker program as a shell on the host would find it."""
        return subprocess.run(
            ["docker", *arguments],
            executable=str(self.host.folder / "bin/docker"),
            env={"PATH": self.host.search_path, "FROM_CLIENT": "client-side"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A host whose agent has no user of its own; gone after the test."""
    host = Host("i-0123456789abcdef0", tmp_path / "host", PlatformClock(100))
    yield Machine(host)
    host.destroy()


@pytest.fixture
def shared_folder(tmp_path: Path) -> Path:
    """A folder that other users can step into, unlike pytest's own."""
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return tmp_path
