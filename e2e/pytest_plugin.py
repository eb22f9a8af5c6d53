"""Scenario files as pytest items: one file is one collector and one boot, its items are the proofs demanded.

Runs are booted ahead in threads and items wait for them. Ctrl-C asks every run to stop, and waits for its teardown.
Under xdist each worker has a session of its own and boots a file when its first item comes (``--dist loadfile``).
"""

import contextlib
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from e2e.run.ahead import BootsAhead
from e2e.run.neighbours import MAX_LIVE
from e2e.run.result import RunResult
from e2e.run.session import Session, SessionOptions, SessionResult, new_session_id, open_session
from e2e.run.stopping import StopSignals
from e2e.run.waiting import Interrupted
from e2e.scenario.loader import load_scenario
from e2e.scenario.model import Scenario
from e2e.scenario.problems import ScenarioError
from e2e.verdict.classes import CONFIG_WRONG, OK, UNPROVEN
from e2e.verdict.environment import ConfigurationError

_SUFFIXES = (".yaml", ".yml")
_FOLDER = "scenarios"
_RED_ITEMS = ("outcome", "class", "cause", "torn_down")
_SESSION_ID = "concierge_e2e_session_id"
_CODE = "concierge_e2e_code"
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
    group.addoption("--e2e-max-live", type=int, default=MAX_LIVE, help="tenants of ours that may be alive on staging")
    group.addoption("--e2e-freeze", default=None, help="file or URL that freezes staging")
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
    root = parent.config.rootpath
    below = file_path.relative_to(root) if file_path.is_relative_to(root) else file_path
    if _FOLDER not in below.parts and not parent.session.isinitpath(file_path):
        return None
    file: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return file


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember whose items were deselected: under require-live they are demanded all the same."""
    for item in items:
        if isinstance(item, ScenarioItem):
            item.config.stash[_OWNER].deselected.add(item.file.path)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Print the policy, which is chosen when the first scenario is collected."""
    return config.stash[_OWNER].header()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Boot the files with at least one item, in their order, unless pytest is about to give up or only lists."""
    option = session.config.option
    if option.collectonly or (session.testsfailed and not option.continue_on_collection_errors):
        return
    files = {item.file.path: item.file for item in session.items if isinstance(item, ScenarioItem)}
    session.config.stash[_OWNER].begin(list(files.values()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Let every boot end, write the receipt, and never leave 0 where the table of exit codes has another."""
    owner = session.config.stash.get(_OWNER, None)
    code = OK
    if owner is not None:
        cut_short = session.exitstatus == pytest.ExitCode.INTERRUPTED or session.shouldstop or session.shouldfail
        code = owner.finish(stop=bool(cut_short))
    try:
        return (yield)
    finally:
        if code != OK and session.exitstatus == OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the bundles are and what each run was worth."""
    owner = config.stash.get(_OWNER, None)
    if owner is not None and owner.result is not None:
        terminalreporter.section("concierge-e2e")
        for line in owner.result.lines:
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"session: {owner.result.folder} ends with {owner.result.code}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker under which name its session belongs to this one."""
    node.workerinput[_SESSION_ID] = node.config.stash[_OWNER].shared_session_id()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the code of the session that an xdist worker had; one that died has none."""
    node.config.stash[_OWNER].worker_codes.append(getattr(node, "workeroutput", {}).get(_CODE))


class SessionOwner:
    """Owns the one session of a pytest process: its policy, its runs, its receipt."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._session: Session | None = None
        self._ahead: BootsAhead | None = None
        self._signals = StopSignals(lambda _: self._stop())
        self._shared_session_id: str | None = None
        self._refused = False
        self.deselected: set[Path] = set()
        self.worker_codes: list[int | None] = []
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
                max_live=option.e2e_max_live,
                freeze=option.e2e_freeze,
            )
            if self._worker is not None:
                session_id = f"{self._worker[_SESSION_ID]}-{self._worker['workerid']}"
                options = replace(options, session_id=session_id)
            try:
                self._session = open_session(options, os.environ, self._say)
            except ConfigurationError as error:
                self.refuse(str(error))
        return self._session

    def refuse(self, problem: str) -> NoReturn:
        """End pytest with the code for bad configuration; no receipt is written, for nothing was run."""
        self._refused = True
        pytest.exit(problem, returncode=CONFIG_WRONG)

    def header(self) -> list[str]:
        """Return the policy in a line, if it is chosen already."""
        return [f"concierge-e2e: {self._session.policy.header}"] if self._session is not None else []

    def shared_session_id(self) -> str:
        """Return the name that the sessions of all xdist workers begin with."""
        if self._shared_session_id is None:
            given = self._config.option.e2e_session_id or os.environ.get("E2E_RUN_ID")
            self._shared_session_id = str(given) if given else new_session_id(datetime.now(UTC))
        return self._shared_session_id

    def begin(self, files: "list[ScenarioFile]") -> None:
        """Start the runs, a few at a time, in the order of the files; an xdist worker starts them one by one later."""
        if not files and self._session is None:
            return
        session = self.session()
        if self._worker is None:
            self._demand_what_is_not_collected(session, {file.path for file in files})
        if not files:
            return
        try:
            session.prepare()
        except ConfigurationError as error:
            self.refuse(str(error))
        self._signals.hold()
        self._ahead = BootsAhead(session, jobs=self._config.option.e2e_jobs)
        for file in files if self._worker is None else ():
            self._ahead.begin(file.scenario())

    def outcome(self, file: "ScenarioFile") -> RunResult:
        """Wait for the run of a file and return its result.

        Raises:
            KeyboardInterrupt: the session was asked to stop, and every run has torn down.
        """
        if self._ahead is None:
            raise RuntimeError("an item runs, and no boot was begun")
        try:
            return self._ahead.result(file.scenario())
        except Interrupted as interrupted:
            raise KeyboardInterrupt(str(interrupted)) from interrupted

    def finish(self, *, stop: bool) -> int:
        """Wait for every run, write the receipt and return the code that is due; ``stop``: ask the runs to stop first.

        Where no scenario was collected this is a pytest session of others, and only require-live has a say in it.
        """
        if self._session is None or self._refused:
            return OK
        require_live = self._session.policy.require_live
        if self._config.pluginmanager.hasplugin("dsession"):
            codes = [code for code in self.worker_codes if code is not None]
            return next((code for code in codes if code != OK), UNPROVEN if require_live and not codes else OK)
        ours = self._session.concerned or (require_live and self._worker is None) or self._config.option.e2e_nonce
        if self.result is None and ours:
            if self._ahead is not None:
                if stop:
                    self._stop()
                self._ahead.wait()
                self._signals.release()
            self.result = self._session.finish()
            if self._worker is not None:
                self._config.workeroutput[_CODE] = self.result.code  # type: ignore[attr-defined]
        return self.result.code if self.result is not None else OK

    def _demand_what_is_not_collected(self, session: Session, collected: set[Path]) -> None:
        """Demand the files that are named and gave no item; under require-live also those that were deselected."""
        missing = set(self.deselected) - collected if session.policy.require_live else set()
        here = self._config.invocation_params.dir
        named = {here / str(argument).partition("::")[0] for argument in self._config.args}
        files = {path for path in named if path.suffix in _SUFFIXES and path.is_file()}
        for path in sorted(missing | (files - self.deselected - collected)):
            session.demand(path)

    def _stop(self) -> None:
        """Ask the runs to stop. Called from a signal handler: it must not wait for anything."""
        if self._session is not None:
            again = self._session.interruption.requested
            self._session.interrupt()
            self._say("still tearing down" if again else "interrupted: tearing down what was created")

    def _say(self, line: str) -> None:
        descriptor = self._config.stash.get(_PROGRESS, None)
        if descriptor is None:
            return
        try:
            os.write(descriptor, (line + "\n").encode())
        except BrokenPipeError:
            # `run` is gone, and nobody is left to read the receipt: what was begun is torn down, and no more is begun.
            if self._session is not None and self._config.option.e2e_progress_fd is not None:
                self._session.interrupt()
        except OSError:
            return


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
        session = self.config.stash[_OWNER].session()
        refusals = session.refusals(scenario, named=self.session.isinitpath(self.path))
        if refusals:
            self.config.stash[_OWNER].refuse("\n".join(refusals))
        if session.policy.target not in scenario.targets:
            session.not_applicable(self.path)
            return
        for name in _RED_ITEMS if scenario.is_red_proof else (*scenario.demanded, "verdict"):
            item: ScenarioItem = ScenarioItem.from_parent(self, name=name)
            if self.config.pluginmanager.hasplugin("timeout"):
                item.add_marker(pytest.mark.timeout(0))  # a run has budgets of its own
            yield item


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
        self.user_properties.append(("bundle", str(result.folder)))
        if result.line.outcome == "skipped":
            pytest.skip(result.verdict["summary"])
        problem = result.problem_of(self.name)
        if problem is not None:
            raise ScenarioFailure(problem)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Return the failure in plain words; a traceback of the harness helps nobody here."""
        if isinstance(excinfo.value, ScenarioFailure):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place and the name under which reports list this item; pytest wants a line of every item."""
        return self.path, 0, f"{self.file.scenario().name}: {self.name}"
