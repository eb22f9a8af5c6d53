"""``plan`` tells what a run comes to, touches nothing, and refuses what could never be proven."""

from pathlib import Path
from typing import Any

import pytest

SCENARIO = """\
scenario: long
summary: Holds for a long time.
targets: [local, staging]
online: {within: 30m, hold: HOLD}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Any:
    def write(hold: str) -> Path:
        path = tmp_path / "long.yaml"
        path.write_text(SCENARIO.replace("HOLD", hold))
        return path

    return write


def test_the_shipped_scenario_is_planned_without_any_credentials(command: Any) -> None:
    ended = command("plan", "--target", "staging", "--json")
    (run,) = ended.document()["runs"]
    assert (ended.code, run["scenario"], run["waits"]["hold online"]) == (0, "fresh-boot", 240.0)
    assert run["least_seconds"] == 240 + 60 + 120
    assert run["most_seconds"] == 1740
    assert run["caps"]["online"] == 900.0


def test_a_plan_goes_by_the_times_that_the_environment_sets(command: Any) -> None:
    ended = command("plan", "--json", environment={"E2E_AGENT_ACT_SECS": "77", "E2E_TERMINAL_SETTLE_SECS": "9"})
    (run,) = ended.document()["runs"]
    assert run["caps"]["agent_acted"] == 77.0
    assert 9.0 in run["waits"].values()


@pytest.mark.parametrize(("hold", "code"), [("1380s", 0), ("1381s", 2)])
def test_a_hold_that_cannot_end_before_the_deadline_is_refused(
    hold: str, code: int, scenario: Any, command: Any
) -> None:
    ended = command("plan", scenario(hold))
    assert ended.code == code
    assert ("could never be proven" in ended.err) is (code == 2)


def test_what_the_policy_of_a_live_target_refuses_is_refused_here(scenario: Any, command: Any) -> None:
    ended = command("plan", scenario("10s"), "--target", "staging")
    assert (ended.code, "the floor here is 240 s" in ended.err) == (2, True)


def test_a_scenario_of_another_target_is_refused_by_name_and_left_out_in_a_folder(command: Any) -> None:
    named = command("plan", "scenarios/faults/mcp-not-delivered.yaml", "--target", "staging")
    assert (named.code, "is for local, docker" in named.err) == (2, True)
    ended = command("plan", "scenarios", "--target", "staging", "--json")
    assert ended.code == 0
    assert [run["scenario"] for run in ended.document()["runs"]] == ["fresh-boot"]


def test_a_scenario_that_is_none_is_refused_with_its_problems(tmp_path: Path, command: Any) -> None:
    (tmp_path / "bad.yaml").write_text("scenario: 1\n")
    assert command("plan", tmp_path / "bad.yaml").code == 2
