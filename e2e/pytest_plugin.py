"""Scenario files as pytest items: one file is one collector and one boot, its items are the proofs demanded.

Runs are booted ahead in threads and items wait for them. Ctrl-C asks every run to stop, and waits for its teardown.
Under xdist each worker has a session of its own and boots a file when its first item comes (``--dist loadfile``).
"""

import contextlib
import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.run.neighbours import MAX_LIVE
from e2e.scenario.loader import load_scenario
from e2e.scenario.model import Scenario
from e2e.scenario.problems import ScenarioError
from e2e.session_policy.owner import PROGRESS, SUFFIXES, SessionOwner
from e2e.session_policy.refusals import answers
from e2e.verdict.classes import OK

_FOLDER = "scenarios"
_RED_ITEMS = ("outcome", "class", "cause", "torn_down")
_ENVIRON = pytest.StashKey[Mapping[str, str]]()
_DUE = pytest.StashKey[int]()
_OWNER = pytest.StashKey[SessionOwner]()


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
    parser.addini("e2e_demanded", "paths whose tests every require-live session must run", type="linelist", default=[])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Keep what was before conftests and capturing: the environment, and a way to the terminal for long waits."""
    early_config.stash[_ENVIRON] = dict(os.environ)
    given = early_config.known_args_namespace.e2e_progress_fd
    if given is not None:
        early_config.stash[PROGRESS] = given
    elif early_config.known_args_namespace.verbose > 0:
        early_config.stash[PROGRESS] = os.dup(2)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Refuse a session that could prove nothing before pytest answers an option, which it may do without one."""
    if not answers(config.option):
        return None
    try:
        _prepare(config)
    except pytest.exit.Exception as refusal:
        print(refusal.msg, file=sys.stderr)
        return refusal.returncode
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare the owner of the session; a session that is refused ends here."""
    config.addinivalue_line("markers", "live: proves something live; must record the file it stands on as 'evidence'")
    _prepare(config)


def _prepare(config: pytest.Config) -> None:
    if _OWNER not in config.stash:
        config.stash[_OWNER] = SessionOwner(config, config.stash.get(_ENVIRON, os.environ))
        config.stash[_OWNER].choose(optimised=sys.flags.optimize)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the way to the terminal, and let no hook that came after ours have made the session green."""
    owner, session = config.stash.get(_OWNER, None), config.pluginmanager.get_plugin("session")
    code = owner.fallback() if owner is not None else OK
    if session is not None and session.exitstatus == OK and (code != OK or config.stash.get(_DUE, OK) != OK):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    descriptor = config.stash.get(PROGRESS, None)
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Collect YAML files that are named on the command line or live below a folder called ``scenarios``."""
    if file_path.suffix not in SUFFIXES:
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
        session.config.stash[_DUE] = max(code, int(session.exitstatus))
        owner.ended = True
    try:
        return (yield)
    finally:
        if code != OK and session.exitstatus == OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the bundles are and what each run was worth."""
    owner = config.stash.get(_OWNER, None)
    if owner is None or not (owner.result or owner.violations):
        return
    terminalreporter.section("concierge-e2e")
    for line in owner.result.lines if owner.result is not None else owner.violations:
        terminalreporter.write_line(line)
    if owner.result is not None:
        terminalreporter.write_line(f"session: {owner.result.folder} ends with {owner.result.code}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what session it belongs to."""
    node.config.stash[_OWNER].tell_worker(node.workerinput)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what an xdist worker tells of its session; one that died tells nothing."""
    node.config.stash[_OWNER].hear_worker(getattr(node, "workeroutput", {}))


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
        for name in _RED_ITEMS if scenario.is_red_proof else (*scenario.prove, "verdict"):
            item: ScenarioItem = ScenarioItem.from_parent(self, name=name)
            if hasattr(self.config.option, "timeout"):
                item.add_marker(pytest.mark.timeout(0))  # a run has budgets of its own
            if hasattr(self.config.option, "dist"):
                item.add_marker(pytest.mark.xdist_group(str(self.path)))
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
