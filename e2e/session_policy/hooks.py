"""The hooks of a require-live session: every test that pytest finds, or should have found, must be seen to pass.

What decides is seen here with our own eyes (did the function run, did it raise) and not taken from pytest's summary.
"""

import functools
import inspect
import os
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from e2e.session_policy.account import Account
from e2e.session_policy.definitions import files_below, read_definitions

EVIDENCE: Final = "evidence"
"""The name under which a test marked ``live`` records the file that its proof stands on (``record_property``)."""

_SCENARIOS: Final = "scenarios"
_YAML: Final = (".yaml", ".yml")
_TELLTALES: Final[tuple[type[Warning], ...]] = (
    pytest.PytestUnhandledThreadExceptionWarning,
    pytest.PytestUnraisableExceptionWarning,
    pytest.PytestReturnNotNoneWarning,
    pytest.PytestCollectionWarning,
    pytest.PytestUnknownMarkWarning,
)
_NEVER_AWAITED: Final = "coroutine .* was never awaited"


class RequireLive:
    """One pytest process of a require-live session: judges every report and keeps the account."""

    def __init__(self, config: pytest.Config, account: Account) -> None:
        self._config = config
        self._account = account
        self._called: set[str] = set()
        self._began: dict[str, float] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Hear the warnings of the collection that tell of a test that tests nothing, whatever is filtered."""
        _hear()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Turn a module that skips itself into an error."""
        report = yield
        if report.outcome == "skipped":
            report.outcome = "failed"
            report.longrepr = f"require-live: {collector.nodeid} skips itself: {_words(report.longrepr)}"
        if report.failed:
            self._account.failed.add(collector.nodeid)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Remember what was collected before anybody takes something out."""
        before = {item.nodeid for item in items}
        self._account.collected |= before
        try:
            return (yield)
        finally:
            for name in before - {item.nodeid for item in items}:
                self._account.reasons.setdefault(name, "a hook took it out of the collection")

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember what was deselected."""
        for item in items:
            self._account.reasons[item.nodeid] = "it was deselected"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Remember when a test began, before pytest-timeout starts its clock."""
        self._began[item.nodeid] = time.monotonic()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Hear the warnings of a test that tell that it tests nothing, whatever is filtered."""
        _hear()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """See for ourselves that the function is called, and whether it raises."""
        function = pyfuncitem.obj
        if inspect.iscoroutinefunction(function):
            self._called.add(pyfuncitem.nodeid)
            return (yield)
        pyfuncitem.obj = self._watched(function, pyfuncitem.nodeid)
        try:
            return (yield)
        finally:
            pyfuncitem.obj = function

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail what is skipped, expected to fail, not called, too long, or without the evidence it owes."""
        report = yield
        if call.excinfo is not None:
            self._account.raised.setdefault(item.nodeid, call.excinfo.typename)
        expected = getattr(report, "wasxfail", None)
        if expected is not None:
            del report.wasxfail
            self._fail(report, f"it is marked as expected to fail ({expected or 'no reason'}), which proves nothing")
        elif report.outcome == "skipped":
            self._fail(report, f"skipped: {_words(report.longrepr)}")
        elif report.outcome == "passed" and call.when == "call":
            for problem in self._problems(item):
                self._fail(report, problem)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a report; one that another process skipped is none either."""
        outcome = str(report.outcome)
        if outcome == "failed":
            self._account.failed.add(report.nodeid)
        elif outcome != "passed":
            self._account.problem(f"{report.nodeid}: its outcome is {outcome!r}, which is neither passed nor failed")
        elif report.when == "call":
            self._account.passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take the outcome of a collection, also of one that an xdist worker did."""
        if report.outcome == "failed":
            self._account.failed.add(report.nodeid)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """Note a warning that tells of a test that tested nothing."""
        text = str(warning_message.message).strip().splitlines() or [""]
        named = issubclass(warning_message.category, _TELLTALES)
        if named or "was never awaited" in text[0]:
            self._account.problem(f"{nodeid or 'collection'}: {warning_message.category.__name__}: {text[0]}")

    def violations(self) -> list[str]:
        """Return a line for every failed test, and for everything else that keeps this session from being green."""
        if hasattr(self._config, "workerinput"):
            return []
        defined: list[str] = []
        for path in files_below(self._demanded(), (".py",)):
            found = read_definitions(path, self._name_of(path))
            defined += found.tests
            for problem in found.problems:
                self._account.problem(problem)
        scenarios = [path for path in files_below(self._demanded(), _YAML) if _SCENARIOS in self._name_of(path)]
        return self._account.violations(defined, [self._name_of(path) for path in scenarios])

    def excuse(self, paths: Sequence[Path]) -> None:
        """Note scenario files that are not for this target."""
        self._account.excused |= {self._name_of(path) for path in paths}

    def _demanded(self) -> list[Path]:
        """Return what the command line names and what the ini file demands of every session."""
        here, root = self._config.invocation_params.dir, self._config.rootpath
        named = [here / str(argument).partition("::")[0] for argument in self._config.args]
        return [*named, *(root / path for path in self._config.getini("e2e_demanded"))]

    def _name_of(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._config.rootpath)).as_posix()

    def _watched(self, function: Callable[..., object], name: str) -> Callable[..., object]:
        @functools.wraps(function)
        def watched(*arguments: object, **named: object) -> object:
            self._called.add(name)
            try:
                return function(*arguments, **named)
            except BaseException as error:
                self._account.raised.setdefault(name, type(error).__name__)
                raise

        return watched

    def _problems(self, item: pytest.Item) -> list[str]:
        problems = []
        plain = isinstance(item, pytest.Function) and not hasattr(item, "startTest")
        if plain and item.nodeid not in self._called:
            problems.append("its function was never called")
        limit = _time_limit(item)
        seconds = time.monotonic() - self._began.get(item.nodeid, time.monotonic())
        if limit and seconds >= limit:
            problems.append(f"it ran {seconds:.1f} s of the {limit:g} s it is allowed, and swallowed the time-out")
        if item.get_closest_marker("live") is not None:
            paths = [Path(str(value)) for name, value in item.user_properties if name == EVIDENCE]
            if not any(path.is_file() and path.stat().st_size for path in paths):
                problems.append("it is marked live and recorded no evidence (record_property('evidence', FILE))")
        return problems

    def _fail(self, report: pytest.TestReport, why: str) -> None:
        report.outcome = "failed"
        report.longrepr = f"require-live: {report.nodeid}: {why}"


def _hear() -> None:
    """Put the warnings that tell of an empty test before every filter that somebody else has set."""
    for category in _TELLTALES:
        warnings.filterwarnings("always", category=category)
    warnings.filterwarnings("always", message=_NEVER_AWAITED, category=RuntimeWarning)


def _words(reason: Any) -> str:
    """Return the reason of a skip as words."""
    text = str(reason[2] if isinstance(reason, tuple) and len(reason) == 3 else reason).strip()
    return text.removeprefix("Skipped: ") or "no reason"


def _time_limit(item: pytest.Item) -> float:
    """Return the seconds after which pytest-timeout ends a test, 0 where it never does."""
    marker = item.get_closest_marker("timeout")
    given: Any = (marker.args[0] if marker.args else marker.kwargs.get("timeout")) if marker is not None else None
    if given is None and hasattr(item.config.option, "timeout"):
        given = item.config.getoption("timeout", None) or os.environ.get("PYTEST_TIMEOUT")
        given = given or item.config.getini("timeout")
    return float(given or 0)
