"""What the tests of the commands share: the real program in a process of its own, and eyes on what it leaves behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

import e2e
from e2e.contract import scenarios_folder

ROOT = Path(e2e.__file__).resolve().parent.parent
PATIENCE_SECONDS = 60.0
GONE_SECONDS = 15.0
SHORT = """
scenario: {name}
summary: Boot, stay online for a while, and go.
targets: [local]
prove: [online, torn_down]
online: {{within: 15m, hold: 60s}}
"""


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Poll a condition until it holds; fail with ``what`` where it never does."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"never within {seconds:.0f} s: {what}"
        pause.wait(0.02)


@dataclass
class Footprint:
    """Everything that a process and its descendants had while they ran: processes and listening ports."""

    processes: dict[int, float] = field(default_factory=dict)
    ports: set[int] = field(default_factory=set)

    def look(self, root: psutil.Process) -> None:
        """Add what is there now."""
        try:
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in family:
            try:
                self.processes.setdefault(process.pid, process.create_time())
                self.ports |= {
                    one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN
                }
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue

    def alive(self) -> list[int]:
        """The processes that still run; a dead one whose parent has not asked for its end is dead."""
        found = []
        for pid, created in self.processes.items():
            try:
                process = psutil.Process(pid)
                if process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def open_ports(self) -> list[int]:
        """The ports that still answer."""
        found = []
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(port)
        return found


class Program:
    """``concierge-e2e`` (or pytest) in a session of its own, watched while it runs."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.footprint = Footprint()
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self.process = subprocess.Popen(
                command, cwd=folder / "cwd", env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True,
            )  # fmt: skip
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def out(self) -> str:
        return self._stdout.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    @property
    def text(self) -> str:
        """Both outputs."""
        return self.out + self.err

    def says(self, text: str) -> None:
        """Wait until ``text`` is in the output."""
        until(lambda: text in self.text or self.process.poll() is not None, f"{text!r} in the output")
        assert text in self.text, self.text

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill_group(self, number: int) -> None:
        """Send a signal to the whole process group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(timeout=PATIENCE_SECONDS * 2)
        self._ended.set()
        self._watcher.join()
        return code

    def end(self) -> None:
        """End what still runs, so that a failing test leaves nothing."""
        if self.process.poll() is None:
            with_children = [*self.children(), psutil.Process(self.process.pid)]
            self.process.send_signal(signal.SIGTERM)
            psutil.wait_procs(with_children, timeout=20)
            self.process.kill()
        self.wait()

    def bundles(self) -> list[Path]:
        """The bundles of all runs, by name."""
        sessions = [path for path in (self.folder / "out").glob("*") if not path.is_symlink()]
        return sorted(path.parent for session in sessions for path in session.glob("*/events.jsonl"))

    def verdicts(self) -> dict[str, dict[str, Any]]:
        """The verdicts of all runs by scenario."""
        found = [json.loads((bundle / "verdict.json").read_text()) for bundle in self.bundles()]
        return {verdict["scenario"]: verdict for verdict in found}

    def verdicts_written(self) -> list[Path]:
        """The bundles that have a verdict."""
        return [bundle for bundle in self.bundles() if (bundle / "verdict.json").exists()]

    def receipt(self) -> dict[str, Any]:
        """The receipt of the session."""
        (path,) = [path for path in (self.folder / "out").glob("*/session.json") if not path.parent.is_symlink()]
        document: dict[str, Any] = json.loads(path.read_text())
        return document

    def assert_nothing_is_left(self) -> None:
        """No process, no port, no sandbox, no open ledger, and no file outside the sessions' folder."""
        until(lambda: self.footprint.alive() == [], f"the end of {self.footprint.alive()}", GONE_SECONDS)
        assert self.footprint.open_ports() == []
        until(lambda: inhabitants(self.folder) == [], f"the end of {inhabitants(self.folder)}", GONE_SECONDS)
        until(lambda: list((self.folder / "tmp").iterdir()) == [], "an empty folder for temporary files", GONE_SECONDS)
        assert sorted(path.name for path in (self.folder / "state").rglob("*") if path.is_file()) == []
        assert list((self.folder / "cwd").iterdir()) == []
        assert list((self.folder / "home").iterdir()) == []

    def _watch(self) -> None:
        root = psutil.Process(self.process.pid)
        while not self._ended.wait(0.1):
            self.footprint.look(root)


def inhabitants(folder: Path) -> list[int]:
    """The processes that work in a folder, or whose environment names it (Linux; elsewhere none)."""
    needle = str(folder).encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if needle in (entry / "environ").read_bytes() or str(folder) in str((entry / "cwd").readlink()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Program]]:
    """Starts programs of ours; whatever they have lies in a folder of their own, and ends with the module."""
    programs: list[Program] = []
    folders: list[Path] = []

    def start_it(*arguments: str, module: str = "e2e.cli.main", **environment: str) -> Program:
        # Below /tmp itself: the agent of a twin is another user, who must be able to pass through.
        folder = Path(tempfile.mkdtemp(prefix="concierge-e2e-test-"))
        folder.chmod(0o711)
        folders.append(folder)
        for name in ("cwd", "tmp", "home", "state"):
            (folder / name).mkdir(mode=0o711)
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "COVERAGE_PROCESS_START")}
        own = {
            "PYTHONPATH": str(ROOT), "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"),
            "E2E_STATE_DIR": str(folder / "state"), "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        placed = [argument.replace("{out}", str(folder / "out")) for argument in arguments]
        programs.append(Program([sys.executable, "-m", module, *placed], folder, kept | own | environment))
        return programs[-1]

    yield start_it
    for program in programs:
        program.end()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenario files that come with the harness, and short ones beside them."""
    folder = tmp_path_factory.mktemp("files") / "scenarios"
    shutil.copytree(scenarios_folder(), folder)
    (folder / "short").mkdir()
    (folder / "short" / "short.yaml").write_text(SHORT.format(name="short"))
    return folder
