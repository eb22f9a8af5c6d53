"""The SSM agents of all machines: each runs one command after another, as the real one serialises them."""

import logging
import queue
import threading
import time
from pathlib import Path

from e2e.twin.cloud.commands import Invocation
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.cloud.shell import COMMAND_MARKER, Interrupt, Script, ShellResult, run_script
from e2e.twin.hosts.host import Host

_log = logging.getLogger(__name__)


class Agents:
    """One thread per machine that ever got a command."""

    def __init__(self, fleet: Fleet, region: str) -> None:
        self._fleet = fleet
        self._region = region
        self._lock = threading.Lock()
        self._queues: dict[str, queue.SimpleQueue[Invocation | None]] = {}
        self._threads: list[threading.Thread] = []
        self._running: set[Interrupt] = set()
        self._stopping = threading.Event()

    def give(self, invocation: Invocation) -> None:
        """Queue ``invocation`` on its machine, if it gets there; nothing is taken any more after ``stop``."""
        instance_id = invocation.instance_id
        if invocation.executions == 0:
            return
        with self._lock:
            if self._stopping.is_set():
                return
            waiting = self._queues.get(instance_id)
            if waiting is None:
                waiting = self._queues[instance_id] = queue.SimpleQueue()
                thread = threading.Thread(target=self._work, args=(waiting,), name=f"ssm-{instance_id}", daemon=True)
                self._threads.append(thread)
                thread.start()
        waiting.put(invocation)

    def stop(self) -> None:
        """Kill what runs, drop what waits, and wait for the threads."""
        with self._lock:
            self._stopping.set()
            for interrupt in self._running:
                interrupt.set()
            for waiting in self._queues.values():
                waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, waiting: "queue.SimpleQueue[Invocation | None]") -> None:
        while (invocation := waiting.get()) is not None:
            if self._stopping.wait(max(0.0, invocation.seconds_until_delivery())):
                return
            with Interrupt() as interrupt:
                self._carry_out(invocation, interrupt)

    def _carry_out(self, invocation: Invocation, interrupt: Interrupt) -> None:
        clock = self._fleet.clock
        host = self._fleet.view(invocation.instance_id).host
        if host is None or not self._enter(interrupt):
            return  # nobody takes it: it stays pending until its delivery time is over
        begun = time.monotonic()
        result: ShellResult | None = None
        try:
            if not invocation.begin(interrupt, clock.now()):
                return
            if invocation.kills_machine:
                self._fleet.terminate(host.instance_id)
                return
            for _ in range(invocation.executions):
                result = run_script(self._script(invocation, host), interrupt)
        except (OSError, ValueError) as error:
            _log.info("command %s could not run on %s: %s", invocation.command.command_id, host.instance_id, error)
            result = ShellResult("exit", 1, b"", f"{error}\n".encode())
        finally:
            self._leave(interrupt)
            gone = self._fleet.view(invocation.instance_id).host is not host
            invocation.finish(None if gone else result, time.monotonic() - begun, clock.now())

    def _enter(self, interrupt: Interrupt) -> bool:
        with self._lock:
            self._running.add(interrupt)
            return not self._stopping.is_set()

    def _leave(self, interrupt: Interrupt) -> None:
        with self._lock:
            self._running.discard(interrupt)

    def _script(self, invocation: Invocation, host: Host) -> Script:
        command = invocation.command
        folder = host.folder / "orchestration" / command.command_id / "awsrunShellScript" / "0.awsrunShellScript"
        directory = "".join(command.parameters.get("workingDirectory", []))
        return Script(
            text="\n".join(command.parameters["commands"]) + "\n",
            environment={
                "PATH": host.search_path,
                "AWS_SSM_INSTANCE_ID": host.instance_id,
                "AWS_SSM_REGION_NAME": self._region,
                COMMAND_MARKER: command.command_id,
            },
            folder=folder,
            host_folder=host.folder,
            working_directory=Path(directory) if directory else None,
            budget=invocation.budgets.execution,
        )
