"""Boots ahead of whoever asks: begun once, waited for, and stopped together."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from e2e.run.ahead import BootsAhead
from e2e.run.waiting import Interrupted, Interruption
from e2e.scenario.model import Scenario

if TYPE_CHECKING:
    from e2e.run.session import Session


class SlowSession:
    """A session whose runs end when they are told to, and that counts them."""

    def __init__(self) -> None:
        self.interruption = Interruption()
        self.demanded: list[Path] = []
        self.begun: list[str] = []
        self.go_on = threading.Event()
        self.go_on_slowly = threading.Event()
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def demand(self, path: Path) -> None:
        self.demanded.append(path)

    def run_scenario(self, scenario: Scenario) -> str:
        self.interruption.pause(0.0)
        with self._lock:
            self.begun.append(scenario.name)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        (self.go_on_slowly if scenario.name == "slow" else self.go_on).wait(10.0)
        with self._lock:
            self.at_once -= 1
        if scenario.name == "crash":
            raise TimeoutError("a bug of ours")
        return f"result of {scenario.name}"


@pytest.fixture
def session() -> Any:
    session = SlowSession()
    yield session
    session.go_on.set()
    session.go_on_slowly.set()


def scenarios(scenario: Scenario, *names: str) -> list[Scenario]:
    return [replace(scenario, name=name, path=Path(name)) for name in names]


def ahead_of(session: SlowSession, jobs: int) -> BootsAhead:
    return BootsAhead(cast("Session", session), jobs=jobs)


def test_as_many_as_asked_for_run_at_once_and_each_once(session: SlowSession, scenario: Scenario) -> None:
    ahead = ahead_of(session, 2)
    files = scenarios(scenario, "a", "b", "c")
    for one in (*files, files[0]):
        ahead.begin(one)
    session.go_on.set()
    assert [str(ahead.result(one)) for one in files] == ["result of a", "result of b", "result of c"]
    ahead.wait()
    assert sorted(session.begun) == ["a", "b", "c"]
    assert session.demanded == [Path("a"), Path("b"), Path("c")]
    assert session.most <= 2


def test_a_result_that_nobody_began_is_begun_when_it_is_asked_for(session: SlowSession, scenario: Scenario) -> None:
    session.go_on.set()
    ahead = ahead_of(session, 0)
    assert str(ahead.result(scenarios(scenario, "late")[0])) == "result of late"
    ahead.wait()


def test_a_crash_reaches_whoever_waits(session: SlowSession, scenario: Scenario) -> None:
    session.go_on.set()
    ahead = ahead_of(session, 1)
    with pytest.raises(TimeoutError, match="a bug of ours"):
        ahead.result(scenarios(scenario, "crash")[0])
    ahead.wait()


def test_after_an_interruption_every_begun_run_has_ended_and_no_other_begins(
    session: SlowSession, scenario: Scenario
) -> None:
    ahead = ahead_of(session, 2)
    files = scenarios(scenario, "first", "slow", "never")
    for one in files:
        ahead.begin(one)
    while session.most < 2:
        threading.Event().wait(0.001)
    session.interruption.request()
    session.go_on.set()
    threading.Timer(0.1, session.go_on_slowly.set).start()
    with pytest.raises(Interrupted):
        ahead.result(files[0])
    assert session.at_once == 0
    assert sorted(session.begun) == ["first", "slow"]
