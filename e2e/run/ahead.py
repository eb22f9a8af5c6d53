"""Boots scenarios ahead of whoever asks for their results, a few at a time, in threads of this process."""

import concurrent.futures
from typing import TYPE_CHECKING

from e2e.run.result import RunResult
from e2e.run.session import Session
from e2e.run.waiting import Interrupted
from e2e.scenario.model import Scenario

if TYPE_CHECKING:
    from pathlib import Path


class BootsAhead:
    """Owns the threads in which the scenarios of one session run. Begun runs always end with their teardown."""

    def __init__(self, session: Session, *, jobs: int) -> None:
        self._session = session
        self._executor = concurrent.futures.ThreadPoolExecutor(max_workers=max(jobs, 1), thread_name_prefix="boot")
        self._futures: dict[Path, concurrent.futures.Future[RunResult]] = {}

    def begin(self, scenario: Scenario) -> None:
        """Demand a scenario and boot it as soon as there is a place; a second call for one file does nothing."""
        if scenario.path not in self._futures:
            self._session.demand(scenario.path)
            self._futures[scenario.path] = self._executor.submit(self._session.run_scenario, scenario)

    def result(self, scenario: Scenario) -> RunResult:
        """Wait for the run of a scenario, and begin it where nobody has.

        Raises:
            Interrupted: the session was asked to stop; every run that had begun is torn down.
        """
        self.begin(scenario)
        future = self._futures[scenario.path]
        concurrent.futures.wait([future])
        if self._session.interruption.requested:
            self.wait()
            raise Interrupted("the session was asked to stop")
        return future.result()

    def wait(self) -> None:
        """Wait until every run has ended; after that none can be begun."""
        self._executor.shutdown(wait=True)
