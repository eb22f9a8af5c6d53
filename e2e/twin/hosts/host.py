"""A machine of the embedded staging: a folder with programs, configs and containers."""

import secrets
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from e2e.twin.clock import PlatformClock
from e2e.twin.hosts import records
from e2e.twin.hosts.baseline import take_baseline
from e2e.twin.hosts.container import Container, ContainerError, ContainerSpec
from e2e.twin.hosts.paths import process_environment
from e2e.twin.hosts.processes import kill_all, marked
from e2e.twin.hosts.users import home
from e2e.twin.hosts.wrappers import install_in_container, install_on_host

_IMAGE_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostGoneError(Exception):
    """The machine was terminated; nothing can be started on it any more."""


class Host:
    """One machine. ``agent_uid`` is asked for when the first container is made; ``None`` means one user for all."""

    def __init__(
        self,
        instance_id: str,
        folder: Path,
        clock: PlatformClock,
        *,
        agent_uid: Callable[[], int | None] = lambda: None,
        new_container_id: Callable[[], str] = lambda: secrets.token_hex(32),
    ) -> None:
        self.instance_id = instance_id
        self.folder = folder
        self.clock = clock
        self._agent_uid = agent_uid
        self._new_container_id = new_container_id
        self._containers: dict[str, Container] = {}
        self._lock = threading.Lock()
        self._gone = False
        folder.mkdir(mode=0o711)
        self.configs.mkdir(mode=0o755)
        (folder / "containers").mkdir(mode=0o711)
        self.console_log.touch(mode=0o600)
        install_on_host(folder / "bin")

    @property
    def configs(self) -> Path:
        """The host's /configs."""
        return self.folder / "configs"

    @property
    def console_log(self) -> Path:
        """What the machine printed on its serial console."""
        return self.folder / "console.log"

    @property
    def search_path(self) -> str:
        """The PATH of commands that run on this host."""
        return f"{self.folder / 'bin'}:/usr/bin:/bin"

    def print_on_console(self, text: str) -> None:
        """Append a line to the serial console; a machine that is gone prints nothing."""
        with suppress(OSError), self.console_log.open("a", encoding="utf-8") as console:
            console.write(text + "\n")

    def run_container(self, spec: ContainerSpec) -> Container:
        """Make the container and start it; returns when its main process was started.

        Raises:
            HostGoneError: the machine was terminated.
            ContainerError: the name is taken, or the command cannot be executed.
        """
        agent_uid = self._agent_uid()
        with self._lock:
            if self._gone:
                raise HostGoneError(f"{self.instance_id} is terminated")
            if spec.name in self._containers:
                raise ContainerError(f'the container name "/{spec.name}" is already in use on {self.instance_id}')
            container = Container(
                spec.name, self._new_container_id(), self.folder / "containers" / spec.name, self.clock
            )
            self._containers[spec.name] = container
            try:
                self._lay_out(spec, container, agent_uid)
                container.start()
            except (OSError, ContainerError):
                self._forget(container)
                raise
        return container

    def container(self, name: str) -> Container:
        """Return the container called ``name``.

        Raises:
            KeyError: there is none.
        """
        with self._lock:
            return self._containers[name]

    def containers(self) -> list[Container]:
        """Return the containers, oldest first."""
        with self._lock:
            return list(self._containers.values())

    def remove_container(self, name: str) -> None:
        """Kill and remove the container called ``name``; no such container is fine."""
        with self._lock:
            container = self._containers.get(name)
            if container is not None:
                self._forget(container)

    def destroy(self) -> None:
        """Kill every process of the machine and remove its folder; a second call does nothing."""
        with self._lock:
            if self._gone:
                return
            self._gone = True
            containers = list(self._containers.values())
            self._containers.clear()
            for container in containers:
                container.let_go()
            for container in containers:
                container.wait_gone()
        kill_all(lambda: marked(f"AWS_SSM_INSTANCE_ID={self.instance_id}", folder=str(self.folder)))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _forget(self, container: Container) -> None:
        container.let_go()
        container.wait_gone()
        self._containers.pop(container.name, None)
        shutil.rmtree(container.folder, ignore_errors=True)

    def _lay_out(self, spec: ContainerSpec, container: Container, agent_uid: int | None) -> None:
        container.folder.mkdir(mode=0o711)
        rootfs = container.rootfs
        rootfs.mkdir(mode=0o755)
        spec.build_rootfs(rootfs)
        install_in_container(rootfs, agent_uid)
        for user in ("root", "agent"):
            Path(home(user, str(rootfs))).mkdir(parents=True, exist_ok=True)
        if agent_uid is not None:
            shutil.chown(home("agent", str(rootfs)), agent_uid, agent_uid)
        if spec.mount_configs:
            self._bind_configs(rootfs)
        take_baseline(str(rootfs), str(container.folder / records.BASELINE))
        container.log_path.touch(mode=0o600)
        records.write_record(container.folder / records.INSPECT, self._inspect_record(spec, container))
        runtime = {
            "rootfs": str(rootfs),
            "agent_uid": agent_uid,
            "agent_gid": agent_uid,
            "pid": None,
            "environment": process_environment(str(rootfs), container.container_id, spec.environment),
            "container_id": container.container_id,
            "command": list(spec.command),
            "working_directory": spec.working_directory,
            "restart": spec.restart,
            "speed": self.clock.speed,
        }
        records.write_record(container.folder / records.RUNTIME, runtime)

    def _bind_configs(self, rootfs: Path) -> None:
        point = rootfs / "configs"
        if point.is_dir() and not point.is_symlink():
            shutil.rmtree(point)
        point.symlink_to(self.configs, target_is_directory=True)

    def _inspect_record(self, spec: ContainerSpec, container: Container) -> dict[str, Any]:
        mount = {
            "Type": "bind",
            "Source": str(self.configs),
            "Destination": "/configs",
            "Mode": "rw",
            "RW": True,
            "Propagation": "rprivate",
        }
        environment = {"PATH": _IMAGE_PATH, **spec.environment}
        return {
            "Id": container.container_id,
            "Created": records.timestamp(),
            "Path": spec.command[0],
            "Args": list(spec.command[1:]),
            "State": {
                "Status": "created",
                "Running": False,
                "Paused": False,
                "Restarting": False,
                "OOMKilled": False,
                "Dead": False,
                "Pid": 0,
                "ExitCode": 0,
                "Error": "",
                "StartedAt": records.NEVER,
                "FinishedAt": records.NEVER,
            },
            "Image": spec.image_digest,
            "Name": f"/{spec.name}",
            "RestartCount": 0,
            "Driver": "overlay2",
            "Platform": "linux",
            "HostConfig": {
                "Binds": [f"{self.configs}:/configs:rw"] if spec.mount_configs else None,
                "NetworkMode": "host",
                "RestartPolicy": {"Name": spec.restart, "MaximumRetryCount": 0},
            },
            "Mounts": [mount] if spec.mount_configs else [],
            "Config": {
                "Hostname": container.container_id[:12],
                "User": "",
                "Tty": False,
                "Env": [f"{name}={value}" for name, value in environment.items()],
                "Cmd": list(spec.command),
                "Image": spec.image_reference,
                "WorkingDir": spec.working_directory,
                "Entrypoint": None,
                "Labels": dict(spec.labels),
            },
            "NetworkSettings": {"Networks": {"host": {}}},
        }
