"""The machines of the embedded cloud and their lives: pending, running, shutting-down, terminated."""

import logging
import random
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from e2e.twin.clock import PlatformClock
from e2e.twin.hosts.agent_user import agent_user
from e2e.twin.hosts.host import Host, HostGoneError
from e2e.twin.hosts.wrappers import host_side_program

_log = logging.getLogger(__name__)

SHUTTING_DOWN_SECONDS = 3.0
"""Platform seconds between the kill and the state ``terminated``."""


class UnknownInstanceError(Exception):
    """The cloud never had an instance of that id."""


@dataclass(frozen=True)
class InstanceView:
    """What is known of an instance at one moment."""

    instance_id: str
    state: str
    """``pending``, ``running``, ``shutting-down`` or ``terminated``."""
    state_reason: str
    tags: Mapping[str, str]
    launched_at: datetime
    private_address: str
    registered_at: datetime | None
    """When the SSM agent registered; ``None`` while it has not, and once the machine stops."""
    host: Host | None
    """The machine; ``None`` before it runs and from the moment it stops."""


@dataclass
class _Instance:
    """The fleet's own record; guarded by the fleet's lock."""

    instance_id: str
    tags: dict[str, str]
    launched_at: datetime
    private_address: str
    registration_seconds: float
    state: str = "pending"
    running_since: float | None = None
    registered_at: datetime | None = None
    terminating_since: float | None = None
    console: str = ""
    host: Host | None = None
    stopping: threading.Event = field(default_factory=threading.Event)


class Fleet:
    """Launches, lists and terminates machines. Seeded: the same calls give the same ids."""

    def __init__(
        self,
        clock: PlatformClock,
        folder: Path,
        seed: int,
        *,
        find_agent_user: Callable[[Path], int | None] = agent_user,
    ) -> None:
        """Keep the machines in ``folder`` (made if it is not there)."""
        self.clock = clock
        self.folder = folder
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._random = random.Random(seed)  # noqa: S311 (reproducible ids, not secrets)
        self._lock = threading.Lock()
        self._instances: dict[str, _Instance] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._agent_uid: int | None = None
        self._user_search = threading.Thread(
            target=self._search_user, args=(find_agent_user,), name="agent-user", daemon=True
        )
        self._user_search.start()
        self._reaper = subprocess.Popen(
            host_side_program("e2e.twin.hosts.reaper"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
            bufsize=0,
        )

    def agent_uid(self) -> int | None:
        """Return the uid that agents run as, or ``None`` where everything runs as the twin's own user."""
        self._user_search.join()
        return self._agent_uid

    def launch(
        self,
        *,
        name_tag: str,
        tags: Mapping[str, str],
        boot_seconds: float,
        registration_seconds: float,
        on_running: Callable[[Host], object],
    ) -> str:
        """Order a machine and return its instance id at once, in state ``pending``.

        After ``boot_seconds`` it is ``running`` and ``on_running`` is called in a thread of its own; SSM lists it
        ``registration_seconds`` later (platform seconds both).

        Raises:
            RuntimeError: the fleet is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the fleet is closed")
            instance_id = f"i-{self._random.getrandbits(68):017x}"
            number = len(self._instances)
            instance = _Instance(
                instance_id=instance_id,
                tags={"Name": name_tag, **tags},
                launched_at=self.clock.now(),
                private_address=f"10.0.{number // 250 % 250}.{number % 250 + 4}",
                registration_seconds=registration_seconds,
            )
            self._instances[instance_id] = instance
            thread = threading.Thread(
                target=self._boot, args=(instance, boot_seconds, on_running), name=f"boot-{instance_id}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        return instance_id

    def terminate(self, instance_id: str) -> None:
        """Kill every process of the machine now; ``shutting-down``, then ``terminated``. Idempotent.

        Raises:
            UnknownInstanceError: no such instance.
        """
        with self._lock:
            instance = self._find(instance_id)
            if instance.terminating_since is not None:
                return
            instance.terminating_since = time.monotonic()
            instance.state = "shutting-down"
            host, instance.host = instance.host, None
        instance.stopping.set()
        if host is not None:
            with suppress(OSError):
                instance.console = host.console_log.read_text(encoding="utf-8", errors="replace")
            host.destroy()

    def state(self, instance_id: str) -> str:
        """Return the EC2 state name of the instance.

        Raises:
            UnknownInstanceError: no such instance.
        """
        return self.view(instance_id).state

    def host(self, instance_id: str) -> Host:
        """Return the running machine.

        Raises:
            UnknownInstanceError: no such instance.
            HostGoneError: it does not run.
        """
        host = self.view(instance_id).host
        if host is None:
            raise HostGoneError(f"{instance_id} does not run")
        return host

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Add or replace tags.

        Raises:
            UnknownInstanceError: no such instance.
        """
        with self._lock:
            self._find(instance_id).tags.update(tags)

    def view(self, instance_id: str) -> InstanceView:
        """Return what is known of the instance now.

        Raises:
            UnknownInstanceError: no such instance.
        """
        with self._lock:
            return self._view(self._find(instance_id))

    def console(self, instance_id: str) -> str:
        """Return what the machine printed on its serial console; a terminated one keeps its last words.

        Raises:
            UnknownInstanceError: no such instance.
        """
        with self._lock:
            instance = self._find(instance_id)
        if instance.host is not None:
            with suppress(OSError):
                return instance.host.console_log.read_text(encoding="utf-8", errors="replace")
        return instance.console

    def views(self) -> list[InstanceView]:
        """Return every instance that ever was, in the order of their launch."""
        with self._lock:
            return [self._view(instance) for instance in self._instances.values()]

    def close(self) -> None:
        """Terminate everything and wait for the threads; a second call does nothing."""
        with self._lock:
            self._closed = True
            instance_ids = list(self._instances)
        for instance_id in instance_ids:
            self.terminate(instance_id)
        for thread in [*self._threads, self._user_search]:
            thread.join()
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        self._reaper.wait()

    def _search_user(self, find_agent_user: Callable[[Path], int | None]) -> None:
        self._agent_uid = find_agent_user(self.folder)

    def _find(self, instance_id: str) -> _Instance:
        try:
            return self._instances[instance_id]
        except KeyError:
            raise UnknownInstanceError(instance_id) from None

    def _container_id(self) -> str:
        with self._lock:
            return f"{self._random.getrandbits(256):064x}"

    def _boot(self, instance: _Instance, boot_seconds: float, on_running: Callable[[Host], object]) -> None:
        if instance.stopping.wait(self.clock.wall(boot_seconds)):
            return
        host = Host(
            instance.instance_id,
            self.folder / instance.instance_id,
            self.clock,
            agent_uid=self.agent_uid,
            new_container_id=self._container_id,
        )
        host.print_on_console(f"[{self.clock.now():%H:%M:%S}] cloud-init: machine {instance.instance_id} is up")
        if not self._enter_service(instance, host):
            host.destroy()
            return
        try:
            on_running(host)
        except HostGoneError:
            _log.info("%s was terminated while it was being set up", instance.instance_id)
        except Exception as error:  # noqa: BLE001 (the border to the platform's part)
            # The set-up belongs to the platform's part of the twin: whatever goes wrong there is a machine that is up
            # and does nothing, as in the real cloud, and stands on its console and in the twin's log.
            _log.exception("setting up %s failed", instance.instance_id)
            host.print_on_console(f"cloud-init: set-up failed: {error}")

    def _enter_service(self, instance: _Instance, host: Host) -> bool:
        with self._lock:
            if instance.terminating_since is not None:
                return False
            if self._reaper.stdin is not None:
                with suppress(BrokenPipeError):
                    self._reaper.stdin.write(f"{instance.instance_id} {host.folder}\n".encode())
            instance.state = "running"
            instance.running_since = time.monotonic()
            instance.host = host
            return True

    def _view(self, instance: _Instance) -> InstanceView:
        now = time.monotonic()
        if instance.terminating_since is not None:
            shut_down = now >= instance.terminating_since + self.clock.wall(SHUTTING_DOWN_SECONDS)
            instance.state = "terminated" if shut_down else "shutting-down"
        elif (
            instance.running_since is not None
            and instance.registered_at is None
            and now >= instance.running_since + self.clock.wall(instance.registration_seconds)
        ):
            instance.registered_at = self.clock.now()
        stopping = instance.terminating_since is not None
        return InstanceView(
            instance_id=instance.instance_id,
            state=instance.state,
            state_reason="Client.UserInitiatedShutdown: User initiated shutdown" if stopping else "",
            tags=dict(instance.tags),
            launched_at=instance.launched_at,
            private_address=instance.private_address,
            registered_at=None if stopping else instance.registered_at,
            host=instance.host,
        )
