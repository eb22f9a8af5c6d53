"""Keeps one container: runs its main process, stamps its log, records its state, ends its whole tree.

Run as ``python -I -S -c … FOLDER`` by the twin, standard library only. Standard input is the lifeline: it carries the
orders ``stop SECONDS`` and ``restart SECONDS``, each answered by one line on standard output, and its end means that
the twin is gone; then everything of the container is killed at once, so that a ``kill -9`` of the twin leaves nothing.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import sys
import time
from contextlib import suppress

from e2e.twin.hosts import records
from e2e.twin.hosts.logfile import LogFile
from e2e.twin.hosts.paths import find_program, on_machine, working_directory
from e2e.twin.hosts.processes import descendants, kill_all, marked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 60.0
_STABLE_AFTER_SECONDS = 10.0
_READ_SIZE = 65536


class StartError(Exception):
    """The main process could not be executed; ``exit_code`` is what the engine records for it."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def _prctl(option: int, argument: int) -> None:
    """Ask the Linux kernel; elsewhere nothing happens, and only process groups and markers are left."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


class Supervisor:
    """One container's life; single-threaded, driven by its lifeline, its pipes and SIGCHLD."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._runtime = records.read_record(f"{folder}/{records.RUNTIME}")
        self._inspect = records.read_record(f"{folder}/{records.INSPECT}")
        self._speed = float(self._runtime["speed"])
        self._log = LogFile(f"{folder}/{records.LOG}")
        self._selector = selectors.DefaultSelector()
        self._pid: int | None = None
        self._exit_code: int | None = None
        self._started = 0.0
        self._backoff = _FIRST_BACKOFF_SECONDS
        self._kill_at: float | None = None
        self._start_at: float | None = None
        self._wanted = "running"
        self._owed_answer = False

    def run(self) -> None:
        """Start the main process, say so, and serve until the lifeline ends."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._end())
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "lifeline")
        self._selector.register(wake_read, selectors.EVENT_READ, "wake")
        self._start_and_answer()
        while True:
            for key, _events in self._selector.select(self._patience()):
                self._serve(key)
            self._reap()
            self._on_time()

    def _serve(self, key: selectors.SelectorKey) -> None:
        data = os.read(key.fd, _READ_SIZE)
        if key.data == "lifeline":
            if not data:
                self._end()
            for order in data.decode().splitlines():
                self._obey(order)
        elif key.data in {"o", "e"}:
            self._take_output(key, data)

    def _take_output(self, key: selectors.SelectorKey, data: bytes) -> None:
        self._log.feed(key.data, data)
        if not data:
            self._selector.unregister(key.fd)
            os.close(key.fd)

    def _drain(self) -> None:
        """Take what is still in the pipes; their other ends are gone, or belong to something that cannot be killed."""
        for key in list(self._selector.get_map().values()):
            if key.data not in {"o", "e"}:
                continue
            os.set_blocking(key.fd, False)
            data = b"-"
            while data:
                try:
                    data = os.read(key.fd, _READ_SIZE)
                except BlockingIOError:
                    data = b""
                self._take_output(key, data)

    def _obey(self, order: str) -> None:
        verb, _, grace = order.partition(" ")
        self._wanted = "exited" if verb == "stop" else "running"
        self._owed_answer = True
        self._start_at = None
        if self._pid is None:
            self._settle()
            return
        self._kill_at = time.monotonic() + float(grace)
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)

    def _settle(self) -> None:
        """Answer an order once the old main process is gone."""
        if self._wanted == "running":
            self._start_and_answer()
        else:
            self._record_state("exited")
            self._answer("stopped")

    def _answer(self, text: str) -> None:
        self._owed_answer = False
        os.write(sys.stdout.fileno(), text.encode() + b"\n")

    def _start_and_answer(self) -> None:
        try:
            self._start()
        except StartError as error:
            self._record_failure(error)
            self._answer(f"failed {error}")
        else:
            self._answer(f"started {self._pid}")

    def _start(self) -> None:
        rootfs = self._runtime["rootfs"]
        environment = {"HOME": f"{rootfs}/root", **self._runtime["environment"]}
        command = [on_machine(rootfs, argument) for argument in self._runtime["command"]]
        try:
            program = find_program(command[0], environment["PATH"])
        except FileNotFoundError:
            raise StartError(f'exec: "{command[0]}": executable file not found in $PATH', 127) from None
        except PermissionError:
            raise StartError(f'exec: "{command[0]}": permission denied', 126) from None
        out_read, out_write = os.pipe2(os.O_CLOEXEC)
        error_read, error_write = os.pipe2(os.O_CLOEXEC)
        failed_read, failed_write = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            directory = working_directory(rootfs, self._runtime["working_directory"])
            _become(program, command, environment, directory, (out_write, error_write, failed_write))
        for descriptor in (out_write, error_write, failed_write):
            os.close(descriptor)
        with os.fdopen(failed_read, "rb") as stream:
            failure = stream.read()
        if failure:
            os.close(out_read)
            os.close(error_read)
            raise StartError(failure.decode(errors="replace"), 126)
        self._selector.register(out_read, selectors.EVENT_READ, "o")
        self._selector.register(error_read, selectors.EVENT_READ, "e")
        self._pid, self._exit_code, self._started = pid, None, time.monotonic()
        self._kill_at = None
        self._record_state("running")

    def _patience(self) -> float | None:
        moments = [moment for moment in (self._kill_at, self._start_at) if moment is not None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _on_time(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            if self._pid is not None:
                os.kill(self._pid, signal.SIGKILL)
        if self._start_at is not None and now >= self._start_at:
            self._start_at = None
            self._inspect["RestartCount"] += 1
            try:
                self._start()
            except StartError as error:
                self._record_failure(error)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._pid:
                self._main_process_ended(status)

    def _main_process_ended(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self._exit_code = code if code >= 0 else 128 - code
        self._pid = None
        self._kill_at = None
        self._kill_tree()
        self._drain()
        if self._owed_answer:
            self._settle()
        elif self._runtime["restart"] == "always":
            self._restart_later()
        else:
            self._record_state("exited")

    def _restart_later(self) -> None:
        if time.monotonic() - self._started > _STABLE_AFTER_SECONDS / self._speed:
            self._backoff = _FIRST_BACKOFF_SECONDS
        self._start_at = time.monotonic() + self._backoff / self._speed
        self._backoff = min(2 * self._backoff, _LONGEST_BACKOFF_SECONDS)
        self._record_state("restarting")

    def _tree(self) -> list[int]:
        return [
            *descendants(os.getpid()),
            *marked(f"CONTAINER_ID={self._runtime['container_id']}", folder=self._runtime["rootfs"]),
        ]

    def _kill_tree(self) -> None:
        def find() -> list[int]:
            self._collect_orphans()
            return self._tree()

        kill_all(find)

    def _collect_orphans(self) -> None:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _end(self) -> NoReturn:
        """Kill everything of the container and leave; the folder may already be gone."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
        self._kill_tree()
        self._exit_code = 137
        self._pid = None
        with suppress(OSError):
            self._record_state("exited")
        os._exit(0)

    def _record_failure(self, error: StartError) -> None:
        self._exit_code = error.exit_code
        self._inspect["State"]["Error"] = str(error)
        self._record_state("exited" if self._started else "created")

    def _record_state(self, status: str) -> None:
        state: dict[str, Any] = self._inspect["State"]
        running = status == "running"
        state["Status"] = status
        state["Running"] = status in {"running", "restarting"}
        state["Restarting"] = status == "restarting"
        state["Pid"] = self._pid or 0
        state["ExitCode"] = 0 if running else (self._exit_code or 0)
        if running:
            state["StartedAt"] = records.timestamp()
            state["Error"] = ""
        elif self._started:
            state["FinishedAt"] = records.timestamp()
        records.write_record(f"{self._folder}/{records.INSPECT}", self._inspect)
        self._runtime["pid"] = self._pid
        records.write_record(f"{self._folder}/{records.RUNTIME}", self._runtime)


def _become(
    program: str, command: list[str], environment: dict[str, str], directory: str, descriptors: tuple[int, int, int]
) -> NoReturn:
    """In the forked child: turn into the main process, or write why not and leave."""
    out, error, failed = descriptors
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(error, 2)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        os.chdir(directory)
        os.execve(program, command, environment)  # noqa: S606 (the argument list is the container's own command)
    except OSError as problem:
        os.write(failed, f'exec: "{command[0]}": {problem.strerror}'.encode())
    os._exit(126)


def main(arguments: list[str]) -> None:
    """Supervise the container whose folder is the first argument."""
    Supervisor(arguments[0]).run()
