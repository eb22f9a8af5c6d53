"""Runs a script on a host the way the SSM agent's shell plugin does (amazon-ssm-agent, agent/plugins/runscript)."""

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from e2e.twin.hosts.processes import kill_all, marked

COMMAND_MARKER = "SSM_COMMAND_ID"
"""Set by the agent for its scripts; here it also finds what a script started and left behind."""
KILLED = 137
"""The exit code that the agent reports for what it killed."""

_READ_SIZE = 65536
_KEPT_BYTES = 65536
_SHORTEST_WAIT = 0.0005
_LONGEST_WAIT = 0.02


@dataclass(frozen=True)
class Script:
    """What the agent is to run."""

    text: str
    environment: Mapping[str, str]
    folder: Path
    """The orchestration folder: made for the run, removed after it."""
    host_folder: Path
    """The folder of the machine: only what runs there is ever killed."""
    working_directory: Path | None
    """``None`` is the orchestration folder."""
    budget: float
    """Wall seconds until it is killed."""


@dataclass(frozen=True)
class ShellResult:
    """How a script ended. Output is kept up to 64 KiB, far above what an invocation can show."""

    ended_by: Literal["exit", "timeout", "cancel"]
    exit_code: int
    stdout: bytes
    stderr: bytes


class Interrupt:
    """Lets another thread end a running script at once."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the script is to end."""
        return self._read

    def set(self) -> None:
        """Ask for the end; after ``close`` nothing happens."""
        with suppress(OSError):
            os.write(self._write, b"!")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._read)
        os.close(self._write)


def run_script(script: Script, interrupt: Interrupt) -> ShellResult:
    """Run ``script`` as ``sh -c <file>`` without standard input, in a process group of its own.

    A shebang on the first line is honoured, as the file is executed. The script is over when its process ended *and*
    its output is closed: a background child that keeps the output open makes it last until the budget is used up. On
    timeout and interrupt the group is killed, and whatever else carries the command's mark.

    Raises:
        OSError: the host's folder is gone.
    """
    script.folder.mkdir(parents=True, mode=0o700)
    try:
        path = script.folder / "_script.sh"
        path.write_bytes(script.text.encode("utf-8", errors="surrogateescape"))
        path.chmod(0o700)
        with subprocess.Popen(
            ["sh", "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=script.working_directory or script.folder,
            env=dict(script.environment),
            process_group=0,
            bufsize=0,
        ) as process:
            return _Run(process, script, interrupt).watch()
    finally:
        shutil.rmtree(script.folder, ignore_errors=True)


class _Run:
    """Watches one script until it is over."""

    def __init__(self, process: "subprocess.Popen[bytes]", script: Script, interrupt: Interrupt) -> None:
        self._process = process
        self._script = script
        self._deadline = time.monotonic() + script.budget
        self._kept: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._selector = selectors.DefaultSelector()
        self._streams: dict[str, IO[bytes]] = {}
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            if stream is not None:
                self._streams[name] = stream
                self._selector.register(stream, selectors.EVENT_READ, name)
        self._selector.register(interrupt, selectors.EVENT_READ, "interrupt")

    def watch(self) -> ShellResult:
        with self._selector:
            ended_by = self._until_over()
            if ended_by != "exit":
                self._kill()
        code = self._process.wait() if ended_by == "exit" else KILLED
        return ShellResult(ended_by, max(code, -1), bytes(self._kept["stdout"]), bytes(self._kept["stderr"]))

    def _until_over(self) -> Literal["exit", "timeout", "cancel"]:
        wait = _SHORTEST_WAIT
        while self._streams or self._process.poll() is None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            # Output first: only when it is closed and the process still lives is there something to look at again.
            patience = left if self._streams else min(left, wait)
            wait = min(2 * wait, _LONGEST_WAIT)
            for key, _events in self._selector.select(patience):
                if key.data == "interrupt":
                    return "cancel"
                self._read(key.data)
        return "exit"

    def _read(self, name: str) -> None:
        stream = self._streams[name]
        try:
            data = os.read(stream.fileno(), _READ_SIZE)
        except BlockingIOError:
            data = b""
        kept = self._kept[name]
        kept += data[: _KEPT_BYTES - len(kept)]
        if not data:
            self._selector.unregister(stream)
            del self._streams[name]

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        marker = f"{COMMAND_MARKER}={self._script.environment[COMMAND_MARKER]}"
        kill_all(lambda: marked(marker, folder=str(self._script.host_folder)))
        for name in list(self._streams):
            os.set_blocking(self._streams[name].fileno(), False)
            while name in self._streams:
                self._read(name)
