"""The container's side of a fault plan: it follows the same schedule as the staging's, and leaves the same trace."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.faults.plan import Fault, FaultPlan, FaultSwitch
from e2e.twin.workspace_server import concierge_faults

STOPPED = "heartbeat-stopped"


@pytest.fixture
def faults(image_module: Callable[[str], Any]) -> Any:
    return image_module("molecule_runtime.faults")


def _plan(tmp_path: Path, age: float, *plan: Fault) -> FaultPlan:
    """A plan of a staging that is ``age`` platform seconds old and lives ten times as fast as the wall."""
    return FaultPlan(plan, time.monotonic() - age / 10, 10.0, str(tmp_path / "trace"))


def _environment(plan: FaultPlan) -> dict[str, str]:
    return {"TWIN_FAULT_PLAN": json.dumps(plan.to_json())}


def test_the_variable_is_the_one_that_the_platform_fills(faults: Any) -> None:
    assert faults.PLAN_VARIABLE == concierge_faults.PLAN_VARIABLE


@pytest.mark.parametrize("age", [0.0, 290.0, 310.0, 590.0, 610.0])
@pytest.mark.parametrize(("begin", "heal"), [(0.0, None), (300.0, None), (300.0, 600.0), (0.0, 300.0)])
def test_a_container_follows_the_schedule_as_the_staging_does(
    faults: Any, tmp_path: Path, age: float, begin: float, heal: float | None
) -> None:
    plan = _plan(tmp_path, age, Fault(STOPPED, begin, heal, {"beats": 4.0}))
    expected = FaultSwitch(plan).is_on(STOPPED)

    assert faults.acts(STOPPED, "here", _environment(plan)) is expected
    assert faults.parameters(STOPPED, _environment(plan)) == ({"beats": 4.0} if expected else None)
    assert (tmp_path / "trace").exists() is expected


def test_the_trace_is_the_staging_s_own(faults: Any, tmp_path: Path) -> None:
    plan = _plan(tmp_path, 100.0, Fault(STOPPED))
    switch = FaultSwitch(plan)

    assert faults.acts(STOPPED, "there", _environment(plan))
    assert switch.acts(STOPPED, "there")

    inside, outside = (json.loads(line) for line in (tmp_path / "trace").read_text().splitlines())
    assert inside.keys() == outside.keys()
    assert {key: inside[key] for key in ("fault", "where", "pid")} == {
        key: outside[key] for key in ("fault", "where", "pid")
    }
    assert inside["age"] == pytest.approx(100.0, abs=50.0)


def test_a_fault_that_was_not_asked_for_is_off_and_so_is_everything_without_a_plan(faults: Any, tmp_path: Path) -> None:
    environment = _environment(_plan(tmp_path, 0.0, Fault(STOPPED)))

    for given in (environment, {}, {"TWIN_FAULT_PLAN": ""}):
        assert not faults.acts("llm-billing", "here", given)
        assert faults.parameters("llm-billing", given) is None
    assert not (tmp_path / "trace").exists()


def test_asking_for_parameters_is_no_act(faults: Any, tmp_path: Path) -> None:
    assert faults.parameters(STOPPED, _environment(_plan(tmp_path, 0.0, Fault(STOPPED)))) == {}

    assert not (tmp_path / "trace").exists()


def test_a_container_that_cannot_reach_the_trace_misbehaves_all_the_same(faults: Any, tmp_path: Path) -> None:
    plan = FaultPlan((Fault(STOPPED),), time.monotonic(), 1.0, str(tmp_path / "no" / "such" / "folder"))

    assert faults.acts(STOPPED, "here", _environment(plan))


def test_what_is_held_goes_on_when_the_fault_heals(
    faults: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _plan(tmp_path, 0.0, Fault("agent-wedged", 0.0, 3.0))
    monkeypatch.setenv("TWIN_FAULT_PLAN", json.dumps(plan.to_json()))
    held: list[bool] = []
    began = time.monotonic()

    waiter = threading.Thread(target=lambda: held.append(faults.hold_while("agent-wedged", "here")))
    waiter.start()
    waiter.join(10)

    assert held == [True]
    assert time.monotonic() - began >= 0.25
    assert faults.hold_while("agent-wedged", "here") is False
    assert len((tmp_path / "trace").read_text().splitlines()) == 1
