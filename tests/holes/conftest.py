"""The table of holes, the project that a row is tried in, and the processes in which it is tried."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STAND_INS = HERE / "stand_ins"
SECONDS = 60.0
SCENARIO = "scenario: {name}\nsummary: s\ntargets: [staging]\n"
LIVE = {
    "E2E_REQUIRE_LIVE": "1",
    "E2E_AWS_ACCOUNT": "111122223333",
    "MOLECULE_ADMIN_TOKEN": "canary-admin-token",
    "AWS_ACCESS_KEY_ID": "AKIACANARY",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-key",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Hole:
    """One way in which bare pytest is green and nothing was tested."""

    id: str
    way: str
    group: str
    closed_by: str = "plugin"
    says: str = ""
    test: str | None = "def test_a():\n    assert not 1\n"
    conftest: str = ""
    ini: str = ""
    honest: bool = True
    files: dict[str, str] = field(default_factory=dict)
    scenarios: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    bare_args: tuple[str, ...] = ()
    paths: tuple[str, ...] = (".",)
    env: dict[str, str] = field(default_factory=dict)
    python: tuple[str, ...] = ()
    own_process: bool = False
    run: int = 70

    @property
    def alone(self) -> bool:
        """Whether the row is more than a test file, so that it needs a project of its own."""
        more = (self.conftest, self.ini, self.files, self.scenarios, self.args, self.bare_args, self.env, self.python)
        return any(more) or self.test is None or bool(self.xdist) or self.paths != (".",) or self.closed_by != "plugin"

    xdist: dict[str, str] = field(default_factory=dict)


def read_table() -> list[Hole]:
    """Return every row of the table, in its order."""
    holes = []
    for path in sorted((HERE / "table").glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        holes += [Hole(group=document["group"], **_frozen(row)) for row in document["holes"]]
    return holes


def _frozen(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


@dataclass
class Ended:
    """How a process ended: its exit status, and everything it said."""

    status: int
    text: str


class Forks:
    """Runs pytest in forks of one process that has imported everything already."""

    def __init__(self, process: "subprocess.Popen[str]", scratch: Path) -> None:
        self._process = process
        self._scratch = scratch
        self._number = 0

    def pytest(self, folder: Path, arguments: Sequence[str], environment: dict[str, str]) -> Ended:
        """Run pytest with these arguments in ``folder``."""
        self._number += 1
        output = self._scratch / f"{self._number}.txt"
        order = {
            "folder": str(folder), "arguments": list(arguments), "environment": environment,
            "output": str(output), "seconds": SECONDS,
        }  # fmt: skip
        stdin, stdout = _pipes(self._process)
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        status = int(stdout.readline())
        return Ended(status, output.read_text(encoding="utf-8", errors="replace"))


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the fork server was started without pipes")
    return process.stdin, process.stdout


def clean_environment() -> dict[str, str]:
    """Return what every process of the table has in its environment, and nothing of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{STAND_INS}"}


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Return where pytest is run; one process for all tests of a worker."""
    with subprocess.Popen(
        [sys.executable, str(STAND_INS / "fork_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        yield Forks(process, tmp_path_factory.mktemp("forks"))
        _pipes(process)[0].close()


def write_project(hole: Hole, folder: Path) -> None:
    """Write the project of a row, and nothing else, into ``folder``."""
    shutil.rmtree(folder, ignore_errors=True)
    files = {"pytest.ini": f"[pytest]\n{hole.ini}", **hole.files}
    files |= {f"scenarios/{name}.yaml": SCENARIO.format(name=name) for name in ("fresh", *hole.scenarios)}
    if hole.honest:
        files["test_honest.py"] = "def test_honest(tmp_path):\n    assert tmp_path.is_dir()\n"
    if hole.conftest:
        files["conftest.py"] = hole.conftest
    if hole.test is not None:
        files["test_hole.py"] = hole.test
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


class Trial:
    """One row in its project: bare, with the plugin under require-live, and through ``run``."""

    def __init__(self, hole: Hole, folder: Path, forks: Forks) -> None:
        self.hole = hole
        self.folder = folder
        self._forks = forks

    def bare(self, *, workers: bool = False) -> Ended:
        """Run pytest alone, as anybody would."""
        return self._pytest([*self.hole.bare_args, *self._arguments(workers)], {})

    def guarded(self, *, workers: bool = False) -> Ended:
        """Run pytest with our plugin, live proof demanded."""
        plugin = ["-p", "stand_in_boots", "-p", "e2e.pytest_plugin"]
        return self._pytest([*plugin, *self._arguments(workers)], LIVE)

    def run(self) -> Ended:
        """Run ``concierge-e2e run`` on the scenario, with the row's arguments given to its pytest process."""
        write_project(self.hole, self.folder)
        added = [*self.hole.args, *self.hole.paths]
        environment = {**clean_environment(), **LIVE, "HOLE_ARGUMENTS": json.dumps(added)}
        return self._process([str(STAND_INS / "run_with.py"), "run", "scenarios/fresh.yaml"], environment)

    def _arguments(self, workers: bool) -> list[str]:
        given = ["-p", "no:cacheprovider"] if "cacheprovider" not in self.hole.args else []
        spread = ["-p", "xdist.plugin", "-n", "1"] if workers else []
        return ["--import-mode=importlib", *given, *spread, *self.hole.args, *self.hole.paths]

    def _pytest(self, arguments: Sequence[str], more: dict[str, str]) -> Ended:
        write_project(self.hole, self.folder)
        environment = clean_environment() | more | self.hole.env
        environment["PYTHONPATH"] = os.pathsep.join((clean_environment()["PYTHONPATH"], str(self.folder)))
        if self.hole.own_process:
            return self._process([*self.hole.python, "-m", "pytest", *arguments], environment)
        return self._forks.pytest(self.folder, arguments, environment)

    def _process(self, arguments: Sequence[str], environment: dict[str, str]) -> Ended:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout)


@pytest.fixture
def trial(tmp_path: Path, forks: Forks) -> Callable[[Hole], Trial]:
    """Return a function that prepares the trial of a row."""
    return lambda hole: Trial(hole, tmp_path / "project", forks)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``hole`` every row, for ``lonely`` those with a project of their own.

    A test that asks for ``unseen`` gets those that only a receipt tells.
    """
    if "hole" in metafunc.fixturenames:
        table = read_table()
        metafunc.parametrize("hole", table, ids=[hole.id for hole in table])
    if "lonely" in metafunc.fixturenames:
        table = [hole for hole in read_table() if hole.alone]
        metafunc.parametrize("lonely", table, ids=[hole.id for hole in table])
    if "unseen" in metafunc.fixturenames:
        table = [hole for hole in read_table() if hole.closed_by == "receipt"]
        metafunc.parametrize("unseen", table, ids=[hole.id for hole in table])


@pytest.fixture
def crowd() -> tuple[Hole, dict[str, Hole]]:
    """Return one row with the test files of every row that is nothing else, and which file is whose."""
    files = {f"test_{hole.id.replace('-', '_')}.py": hole for hole in read_table() if not hole.alone}
    texts = {name: hole.test or "" for name, hole in files.items()}
    return Hole(id="crowd", way="all at once", group="controls", test=None, files=texts), files


@pytest.fixture
def honest() -> Hole:
    """Return a row that is no hole: an honest test beside an honest scenario."""
    return Hole(id="honest", way="nothing is wrong", group="controls", test=None)


@pytest.fixture
def rows() -> list[Hole]:
    """Return the table."""
    return read_table()
