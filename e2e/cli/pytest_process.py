"""The one pytest process that ``run`` starts: its command line, its way to the terminal, how it is asked to stop."""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

from e2e.cli.output import say
from e2e.run.interpreter import python_module
from e2e.run.stopping import StopSignals


class StopRequests:
    """Takes the signals that ask us to stop, and hands each of them on to the process that does the work.

    That process has a group of its own, so that Ctrl-C reaches it once and only through us.
    """

    def __init__(self) -> None:
        self.asked = False
        self._process: subprocess.Popen[bytes] | None = None
        self._signals = StopSignals(self._take)

    def __enter__(self) -> Self:
        self._signals.hold()
        return self

    def __exit__(self, *error: object) -> None:
        self._signals.release()

    def follow(self, process: "subprocess.Popen[bytes]") -> None:
        """Hand what comes from now on, and what came before, to ``process``."""
        self._process = process
        if self.asked:
            process.send_signal(signal.SIGTERM)

    def _take(self, number: int) -> None:
        self.asked = True
        if self._process is not None:
            self._process.send_signal(number)


def run_pytest(arguments: Sequence[str], folder: Path, stop: StopRequests) -> int:
    """Run pytest in a process of its own and return its exit status, which decides nothing.

    Progress comes through a descriptor of its own; pytest's own output goes to ``pytest.log`` in ``folder``.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    read, write = os.pipe()
    with (folder / "pytest.log").open("wb") as log:
        process = subprocess.Popen(
            [*python_module("pytest"), *arguments, f"--e2e-progress-fd={write}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(write,),
            env=environment,
            process_group=0,
        )
        os.close(write)
        lines = os.fdopen(read, "r", encoding="utf-8", errors="replace")
        reader = threading.Thread(target=_show_progress, args=(lines,), name="progress")
        reader.start()
        stop.follow(process)
        status = process.wait()
        reader.join()
    return status


def pytest_arguments(
    files: Sequence[Path], options: Sequence[tuple[str, object]], switches: Sequence[str], folder: Path
) -> list[str]:
    """Return pytest's command line for these files; an option without a value is left out.

    Scenario files need no conftest, and one that lies beside them must not have a say in what is green.
    """
    return [
        "-p", "e2e.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(Path.cwd()),
        "--noconftest", "--import-mode=importlib", "--color=no", "-rA", f"--junitxml={folder / 'junit.xml'}",
        *(f"--e2e-{name}={value}" for name, value in options if value is not None),
        *(f"--e2e-{name}" for name in switches),
        *(str(file.absolute()) for file in files),
    ]  # fmt: skip


def _show_progress(lines: IO[str]) -> None:
    with lines:
        for line in lines:
            say(line.rstrip("\n"), err=True)
