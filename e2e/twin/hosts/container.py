"""A container of a host: a process tree under a supervisor, with a folder that describes it."""

import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from e2e.twin.clock import PlatformClock
from e2e.twin.hosts import records
from e2e.twin.hosts.processes import kill_all, marked
from e2e.twin.hosts.wrappers import host_side_program

_STOP_GRACE_SECONDS = 10.0


class ContainerError(Exception):
    """A container could not do what was asked; the message says which and why."""


@dataclass(frozen=True)
class ContainerSpec:
    """What a container is made of, as `docker run` would be told."""

    name: str
    image_reference: str
    image_digest: str
    """``sha256:`` and 64 hex digits of the image content."""
    command: tuple[str, ...]
    """The main process; whole arguments that begin with a container root are mapped."""
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    build_rootfs: Callable[[Path], None]
    """Fills an empty folder with the image content."""
    mount_configs: bool
    """Whether the host's configs folder is bound at /configs."""
    user: Literal["root"] = "root"
    restart: Literal["no", "always"] = "no"
    working_directory: str = "/"


@dataclass
class Container:
    """A handle on a running (or ended) container; made by ``Host.run_container``."""

    name: str
    container_id: str
    folder: Path
    clock: PlatformClock
    _supervisor: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _order: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def log_path(self) -> Path:
        """The file that `docker logs` reads."""
        return self.folder / records.LOG

    @property
    def rootfs(self) -> Path:
        """The container's own root folder."""
        return self.folder / "rootfs"

    def inspect(self) -> dict[str, Any]:
        """Return what `docker inspect` prints for it.

        Raises:
            OSError: the container was removed.
        """
        return records.read_record(self.folder / records.INSPECT)

    @property
    def pid(self) -> int | None:
        """The main process, or ``None`` while there is none."""
        try:
            return int(self.inspect()["State"]["Pid"]) or None
        except OSError:
            return None

    def is_running(self) -> bool:
        """Tell whether the main process lives."""
        return self.pid is not None

    def start(self) -> None:
        """Start the supervisor and wait until it started the main process.

        Raises:
            ContainerError: the command could not be executed, or the container runs already.
        """
        if self._supervisor is not None:
            raise ContainerError(f"container {self.name} has been started already")
        self._supervisor = subprocess.Popen(
            [*host_side_program("e2e.twin.hosts.supervisor"), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
            bufsize=0,
        )
        self._expect("started")

    def stop(self) -> None:
        """SIGTERM the main process, SIGKILL it after the grace period; everything else of the container follows.

        Raises:
            ContainerError: the supervisor is gone.
        """
        self._tell("stop", "stopped")

    def restart(self) -> None:
        """Stop and start again; the restart count is for the engine's own restarts and stays.

        Raises:
            ContainerError: the supervisor is gone, or the command cannot be executed any more.
        """
        self._tell("restart", "started")

    def let_go(self) -> None:
        """Close the lifeline: the supervisor kills the tree and ends. Returns at once."""
        if self._supervisor is not None and self._supervisor.stdin is not None:
            with suppress(OSError):
                self._supervisor.stdin.close()

    def wait_gone(self) -> None:
        """Wait until nothing of the container is left, after ``let_go``."""
        if self._supervisor is not None:
            try:
                self._supervisor.wait(timeout=self.clock.real(_STOP_GRACE_SECONDS))
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait()
            if self._supervisor.stdout is not None:
                self._supervisor.stdout.close()
        kill_all(lambda: marked(f"CONTAINER_ID={self.container_id}", folder=str(self.folder)))

    def _tell(self, order: str, answer: str) -> None:
        if self._supervisor is None or self._supervisor.stdin is None:
            raise ContainerError(f"container {self.name} was never started")
        with self._order:
            try:
                self._supervisor.stdin.write(f"{order} {self.clock.real(_STOP_GRACE_SECONDS)}\n".encode())
            except (OSError, ValueError) as error:
                raise ContainerError(f"container {self.name} is gone") from error
            self._expect(answer)

    def _expect(self, answer: str) -> None:
        if self._supervisor is None or self._supervisor.stdout is None:
            raise ContainerError(f"container {self.name} was never started")
        line = self._supervisor.stdout.readline().decode(errors="replace").strip()
        if line.split(" ", 1)[0] != answer:
            raise ContainerError(f"container {self.name}: {line or 'its supervisor is gone'}")
