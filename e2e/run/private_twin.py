"""A twin of one run: started as a process, met on the wire, ended with the run or by the death of its owner."""

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from e2e.run.interpreter import python_module
from e2e.run.target import Connection, TargetError, TargetRefusal, connection_of_twin
from e2e.run.waiting import Deadline, Pacing

START_SECONDS = 30.0
"""Wall seconds within which a twin must say that it is ready."""
STOP_SECONDS = 20.0
"""Wall seconds within which a twin must be gone once it is told to stop."""
REFUSED = 2
"""The exit code of ``twin serve`` for a command line that it cannot follow."""


class PrivateTwin:
    """Starts ``twin serve`` in a session of its own and holds the pipe whose end is the twin's end.

    The twin's standard error goes to ``log``; a killed harness closes the pipe, and the twin takes its tree with it.
    """

    def __init__(self, arguments: Sequence[str], log: Path, *, program: Sequence[str] | None = None) -> None:
        self._log = log.open("wb")
        command = [*(program or python_module("e2e.twin.serve")), "--json", "--until-stdin-closes", *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            env={
                name: value for name, value in os.environ.items() if not name.startswith(("E2E_", "AWS_", "MOLECULE_"))
            },
        )
        self._line: list[bytes] = []
        self.faults_acted: Mapping[str, int] = {}
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id of the twin."""
        return self._process.pid

    def connection(self, pacing: Pacing) -> Connection:
        """Wait until the twin is ready and return how to reach it.

        Raises:
            TargetRefusal: it does not have what its command line asks for.
            TargetError: it ended, said nothing in time, or said something else.
            Interrupted: the run was asked to stop.
        """
        deadline = Deadline.after(pacing, START_SECONDS)
        while not self._ready.wait(0.02):
            pacing.pause(0.0)
            if deadline.remaining(pacing) == 0:
                raise TargetError(f"the twin was not ready within {START_SECONDS:.0f} s; its log is {self._log.name}")
        if not self._line:
            raise self._not_ready()
        return connection_of_twin(self._line[0].decode("utf-8", "replace"))

    def _not_ready(self) -> TargetError:
        try:
            code = self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return TargetError("the twin closed its output before it was ready, and does not end")
        if code == REFUSED:
            return TargetRefusal(self._last_words())
        return TargetError(f"the twin ended with code {code} before it was ready: {self._last_words()}")

    @property
    def exit_code(self) -> int | None:
        """The exit code of the twin if it has ended, else None."""
        return self._process.poll()

    def stop(self) -> int | None:
        """Close the pipe, wait until the twin is gone, and return its exit code; None if it had to be killed.

        A second call does nothing more.
        """
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            code: int | None = self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            code = None
        self._reader.join(timeout=STOP_SECONDS)
        stdout = self._process.stdout
        if stdout is not None and not self._reader.is_alive() and not stdout.closed:
            if code is not None:  # of one that was killed, somebody may still hold the pipe, and the read would not end
                self.faults_acted = _faults_acted(stdout.read())
            stdout.close()
        self._log.close()
        return code

    def _read(self, stdout: IO[bytes] | None) -> None:
        if stdout is not None:
            line = stdout.readline()
            if line.strip():
                self._line.append(line)
        self._ready.set()

    def _last_words(self) -> str:
        lines = Path(self._log.name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def refusals_of_twins(
    command_lines: Sequence[Sequence[str]], *, program: Sequence[str] | None = None
) -> list[str | None]:
    """Return for each command line of a twin what is wrong with it, or None; one short process answers for all.

    Where that process does not answer as it should, nothing is said here: the run itself will tell.
    """
    asked = "".join(json.dumps(list(arguments)) + "\n" for arguments in command_lines)
    done = subprocess.run(
        [*(program or python_module("e2e.twin.serve")), "--check"],
        input=asked, capture_output=True, text=True, check=False, timeout=START_SECONDS,
    )  # fmt: skip
    try:
        answers = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError:
        answers = []
    if len(answers) != len(command_lines):
        return [None] * len(command_lines)
    return [None if answer is None else str(answer) for answer in answers]


def _faults_acted(output: bytes) -> Mapping[str, int]:
    """Return what a twin says at its end: how often each of its faults has acted."""
    for line in reversed(output.splitlines()):
        try:
            acted = json.loads(line)["faults_acted"]
            return {str(name): int(count) for name, count in acted.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}
