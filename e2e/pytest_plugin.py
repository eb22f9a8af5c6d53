"""Scenario files as pytest items: one file is one collector and one boot, its items are the proofs demanded.

Runs are booted ahead in threads and items wait for them; Ctrl-C asks every run to stop, and waits for its teardown.
"""

import concurrent.futures
import contextlib
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.run.session import Session, SessionOptions, SessionResult, open_session
from e2e.scenario.loader import load_scenario
from e2e.scenario.model import Scenario
from e2e.scenario.problems import ScenarioError
from e2e.verdict.classes import CONFIG_WRONG, OK
from e2e.verdict.environment import ConfigurationError

_SUFFIXES = (".yaml", ".yml")
_FOLDER = "scenarios"
_RED_ITEMS = ("outcome", "class", "cause", "torn_down")
_PROGRESS = pytest.StashKey[int]()
_OWNER = pytest.StashKey["SessionOwner"]()


class ScenarioFailure(Exception):
    """A proof or the verdict of a scenario is not what the scenario demands."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that ``concierge-e2e run`` passes on; by hand they work with plain pytest as well."""
    group = parser.getgroup("concierge-e2e", "boot a fresh concierge and prove it")
    group.addoption("--e2e-target", default=None, help="local, docker or staging")
    group.addoption("--e2e-out", default="e2e-runs", help="folder for sessions (default: e2e-runs)")
    group.addoption("--e2e-session-id", default=None, help="name of this session's folder")
    group.addoption("--e2e-nonce", default="", help="stamp for the receipt")
    group.addoption("--e2e-twin", default=None, help="file with the line of `twin serve --json` to attach to")
    group.addoption("--e2e-speed", type=float, default=None, help="platform seconds per wall second")
    group.addoption("--e2e-keep", default=None, choices=("never", "on-failure", "always"), help="keep the tenant")
    group.addoption("--e2e-jobs", type=int, default=1, help="how many files to boot at once")
    group.addoption("--e2e-require-live", action="store_true", help="fail where nothing live is proven")
    group.addoption("--e2e-rehearse", action="store_true", help="run an embedded target under require-live; never 0")
    group.addoption("--e2e-progress-fd", type=int, default=None, help="file descriptor for progress lines")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Keep a way to the terminal before pytest begins to capture, so that long waits are not silent."""
    given = early_config.known_args_namespace.e2e_progress_fd
    if given is not None:
        early_config.stash[_PROGRESS] = given
    elif early_config.known_args_namespace.verbose > 0:
        early_config.stash[_PROGRESS] = os.dup(2)
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the owner of the session; a require-live value that cannot be read ends everything here."""
    config.stash[_OWNER] = SessionOwner(config)
    if "E2E_REQUIRE_LIVE" in os.environ:
        config.stash[_OWNER].session()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the way to the terminal."""
    descriptor = config.stash.get(_PROGRESS, None)
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Collect YAML files that are named on the command line or live below a folder called ``scenarios``."""
    if file_path.suffix not in _SUFFIXES:
        return None
    if _FOLDER not in file_path.parts and not parent.session.isinitpath(file_path):
        return None
    file: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return file


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Hand the files with at least one item to the session, in their order."""
    if session.config.option.collectonly:
        return
    files = {item.file.path: item.file for item in session.items if isinstance(item, ScenarioItem)}
    if files:
        session.config.stash[_OWNER].begin(list(files.values()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Let every boot end, write the receipt, and never leave 0 where the table of exit codes has another."""
    owner = session.config.stash.get(_OWNER, None)
    result = owner.finish() if owner is not None else None
    try:
        return (yield)
    finally:
        decides = owner is not None and owner.decides
        if result is not None and result.code != OK and session.exitstatus == OK and decides:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print the policy once it is chosen."""
    owner = config.stash.get(_OWNER, None)
    return owner.header() if owner is not None else []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the bundles are and what each run was worth."""
    owner = config.stash.get(_OWNER, None)
    if owner is not None and owner.result is not None:
        terminalreporter.section("concierge-e2e")
        for line in owner.result.lines:
            terminalreporter.write_line(line)


class SessionOwner:
    """Owns the one session of a pytest process: its policy, its threads, its receipt."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session: Session | None = None
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._futures: dict[Path, concurrent.futures.Future[Any]] = {}
        self._previous_handler: Any = None
        self.result: SessionResult | None = None

    def session(self) -> Session:
        """Return the session, choosing its policy on first use; bad configuration ends pytest with 2."""
        if self._session is None:
            option = self._config.option
            options = SessionOptions(
                out=Path(option.e2e_out),
                session_id=option.e2e_session_id,
                nonce=option.e2e_nonce,
                target=option.e2e_target,
                twin=Path(option.e2e_twin) if option.e2e_twin else None,
                speed=option.e2e_speed,
                keep=option.e2e_keep,
                require_live=option.e2e_require_live,
                rehearse=option.e2e_rehearse,
            )
            try:
                self._session = open_session(options, os.environ, self._say)
            except ConfigurationError as error:
                pytest.exit(str(error), returncode=CONFIG_WRONG)
        return self._session

    @property
    def decides(self) -> bool:
        """Whether scenarios were to run, so that tests of another kind do not make up for them."""
        return self._executor is not None or (self._session is not None and self._session.policy.require_live)

    def header(self) -> list[str]:
        """Return the policy in a line, if it is chosen already."""
        return [f"concierge-e2e: {self._session.policy.header}"] if self._session is not None else []

    def begin(self, files: "list[ScenarioFile]") -> None:
        """Start the runs, a few at a time, in the order of the files."""
        session = self.session()
        self._previous_handler = signal.signal(signal.SIGTERM, _interrupt)
        self._executor = concurrent.futures.ThreadPoolExecutor(
            max_workers=max(self._config.option.e2e_jobs, 1), thread_name_prefix="boot"
        )
        for file in files:
            session.demand(file.path)
        for file in files:
            self._futures[file.path] = self._executor.submit(session.run_scenario, file.scenario())

    def outcome(self, file: "ScenarioFile") -> Any:
        """Wait for the run of a file and return its result; Ctrl-C asks every run to stop first.

        Raises:
            KeyboardInterrupt: once the runs have torn down.
        """
        future = self._futures[file.path]
        try:
            while True:
                with contextlib.suppress(concurrent.futures.TimeoutError):
                    return future.result(timeout=0.2)
        except KeyboardInterrupt:
            self._stop()
            raise

    def finish(self) -> SessionResult | None:
        """Wait for every run, write the receipt and return it; None where there was no session."""
        if self._session is None or self.result is not None:
            return self.result
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            signal.signal(signal.SIGTERM, self._previous_handler or signal.SIG_DFL)
        self.result = self._session.finish()
        return self.result

    def _stop(self) -> None:
        if self._session is None or self._executor is None:
            return
        self._say("interrupted: tearing down what was created; once more leaves at once")
        self._session.interrupt()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _say(self, line: str) -> None:
        descriptor = self._config.stash.get(_PROGRESS, None)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.write(descriptor, (line + "\n").encode())


def _interrupt(signal_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt(f"signal {signal_number}")


class ScenarioFile(pytest.File):
    """One scenario file: one collector, one boot."""

    _scenario: Scenario | None = None

    def scenario(self) -> Scenario:
        """Return the scenario.

        Raises:
            ScenarioError: the file is not a scenario; every problem is named.
        """
        if self._scenario is None:
            self._scenario = load_scenario(self.path)
        return self._scenario

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item for each demanded proof and one for the verdict; a red proof has its expectations."""
        try:
            scenario = self.scenario()
        except ScenarioError as error:
            raise self.CollectError(str(error)) from error
        owner = self.config.stash[_OWNER]
        session = owner.session()
        if session.policy.target not in scenario.targets:
            session.not_applicable(self.path)
            if self.session.isinitpath(self.path):
                targets = ", ".join(scenario.targets)
                pytest.exit(
                    f"{self.path}: not for target {session.policy.target}, only for {targets}", returncode=CONFIG_WRONG
                )
            return
        names = _RED_ITEMS if scenario.is_red_proof else (*scenario.prove, "verdict")
        for name in names:
            yield ScenarioItem.from_parent(self, name=name)


class ScenarioItem(pytest.Item):
    """One demanded proof, or one expectation of a red proof."""

    @property
    def file(self) -> ScenarioFile:
        """The scenario file this item belongs to."""
        parent = self.parent
        if not isinstance(parent, ScenarioFile):
            raise TypeError("a scenario item without its file")
        return parent

    def runtest(self) -> None:
        """Wait for the boot and compare.

        Raises:
            ScenarioFailure: the proof is missing, or the expectation is not met.
        """
        result = self.config.stash[_OWNER].outcome(self.file)
        problem = result.problem_of(self.name)
        self.user_properties.append(("bundle", str(result.folder)))
        if problem is not None:
            raise ScenarioFailure(problem)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Return the failure in plain words; a traceback of the harness helps nobody here."""
        if isinstance(excinfo.value, ScenarioFailure):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the name under which reports list this item."""
        return self.path, None, f"{self.file.scenario().name}: {self.name}"
