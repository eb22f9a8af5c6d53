"""Scenario files under plain pytest: readable items, the same verdict, never green where the table says otherwise."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.run import scenario_run
from e2e.run.order import RunOrder
from e2e.run.result import RunResult, line_of
from e2e.scenario.model import PROOF_NAMES
from e2e.verdict.document import Judged

pytest_plugins = ["pytester"]

GREEN = """
scenario: {name}
summary: A fresh boot.
targets: [{targets}]
"""
RED = (
    GREEN
    + "twin: {{image: claude-code-before-fix}}\nexpect: {{outcome: failed, class: PRODUCT, cause: mcp-not-delivered}}\n"
)
MARK_ALL = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.{mark})
"""


class Boots:
    """Stands in for the booting of scenarios: counts them, and ends them as their names say."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.asked_to_stop: list[str] = []
        self.act: Callable[[RunOrder], None] = lambda order: None

    def run(self, order: RunOrder) -> RunResult:
        name = order.scenario.name
        self.begun.append(name)
        order.say(f"[{name}] booting")
        self.act(order)
        if order.interruption.requested:
            self.asked_to_stop.append(name)
        if name.startswith("crash"):
            raise ZeroDivisionError("a bug of ours")
        failed = name.startswith(("bad", "red"))
        expectation = ("met" if failed else "missed") if order.scenario.expect is not None else None
        judged = Judged(
            "failed" if failed else "proven", "PRODUCT" if failed else None, "mcp-not-delivered" if failed else None,
            (1,) if failed else (), 1 if failed and expectation is None else 0, expectation, "none", "what happened",
        )  # fmt: skip
        expect = order.scenario.expect
        expected = {"outcome": "failed", "class": "PRODUCT", "cause": expect.cause} if expect is not None else None
        proofs = [{"name": one, "status": "proven", "evidence": ["x"]} for one in order.scenario.prove]
        if failed:
            proofs[0] |= {"status": "refuted", "note": "it is not there"}
        verdict = {
            **order.demanded(), "outcome": judged.outcome, "class": judged.cause_class, "cause": judged.cause,
            "summary": judged.summary, "next": "concierge-e2e faults", "claim": "none", "expected": expected,
            "expectation": expectation, "proofs": proofs,
        }  # fmt: skip
        order.folder.mkdir(parents=True)
        (order.folder / "verdict.json").write_text(json.dumps(verdict))
        return RunResult(line_of(order, judged), order.folder, verdict)


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Boots:
    """No scenario really boots, and no environment of ours reaches the inner pytest."""
    for name in [name for name in os.environ if name.startswith(("E2E_", "AWS_", "MOLECULE_", "CI", "PYTEST_ADDOPTS"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("E2E_STATE_DIR", str(tmp_path / "state"))
    boots = Boots()
    monkeypatch.setattr(scenario_run, "run_scenario", boots.run)
    return boots


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Callable[..., Path]:
    """Makes a folder of scenarios: each name is a file; ``red-…`` are red proofs."""

    def make(*names: str, targets: str = "local") -> Path:
        scenarios = pytester.path / "scenarios"
        scenarios.mkdir(exist_ok=True)
        for name in names:
            text = RED if name.startswith("red") else GREEN
            (scenarios / f"{name}.yaml").write_text(text.format(name=name, targets=targets))
        return scenarios

    return make


def meet(barrier: threading.Barrier) -> None:
    """Wait until everybody is there."""
    barrier.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll a condition until it holds or the time is over."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)


def receipt(pytester: pytest.Pytester) -> dict[str, Any]:
    """The only receipt that was written."""
    (path,) = {path.resolve() for path in (pytester.path / "e2e-runs").glob("*/session.json")}
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_each_demanded_proof_is_an_item_and_the_verdict_is_one(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh")
    result = pytester.runpytest_inprocess("scenarios", "-v")
    result.assert_outcomes(passed=len(PROOF_NAMES) + 1)
    result.stdout.fnmatch_lines(["*policy: target local (embedded)*", "*fresh.yaml::settings_wired*", "*::verdict*"])
    result.stdout.fnmatch_lines(["*fresh: proven*", "*claim: *", "session: * ends with 0"])
    assert result.ret == 0
    assert boots.begun == ["fresh"]
    assert receipt(pytester)["code"] == 0


def test_a_failing_item_tells_the_cause_and_the_next_command_and_no_traceback(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("bad")
    result = pytester.runpytest_inprocess("scenarios")
    result.assert_outcomes(passed=len(PROOF_NAMES) - 1, failed=2)
    result.stdout.fnmatch_lines(
        ["*bad: settings_wired*", "settings_wired: refuted: it is not there", "failed: PRODUCT mcp-not-delivered",
         "*next:   concierge-e2e faults", "*bundle: *"]
    )  # fmt: skip
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    assert result.ret == 1
    assert receipt(pytester)["code"] == 1


def test_the_items_of_a_red_proof_are_what_it_expects(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("red-proof")
    result = pytester.runpytest_inprocess("scenarios", "-v")
    result.stdout.fnmatch_lines([f"*::{name} PASSED*" for name in ("outcome", "class", "cause", "torn_down")])
    assert result.ret == 0


def test_a_red_proof_that_is_proven_is_missed(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    scenarios = folder("red-x")
    scenarios.joinpath("red-x.yaml").write_text(RED.format(name="sound", targets="local"))
    result = pytester.runpytest_inprocess("scenarios")
    result.stdout.fnmatch_lines(["cause: expected mcp-not-delivered, reported None"])
    assert result.ret == 1


def test_a_crash_of_ours_is_the_harnesss_fault(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("crash")
    result = pytester.runpytest_inprocess("scenarios")
    result.stdout.fnmatch_lines(["error: HARNESS harness-crashed", "*ends with 70"])
    assert result.ret == 1


def test_files_boot_once_each_and_side_by_side(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("a", "b", "c")
    together = threading.Barrier(3, timeout=10)
    boots.act = lambda _: meet(together)
    result = pytester.runpytest_inprocess("scenarios", "--e2e-jobs=3")
    assert result.ret == 0
    assert sorted(boots.begun) == ["a", "b", "c"]


def test_only_yaml_below_a_folder_called_scenarios_is_collected(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh")
    text = GREEN.format(name="elsewhere", targets="local")
    for path in ("elsewhere.yaml", "notes/elsewhere.yml", "scenarios/readme.txt"):
        target = pytester.path / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    pytester.runpytest_inprocess()
    assert boots.begun == ["fresh"]
    result = pytester.runpytest_inprocess("elsewhere.yaml", "-p", "no:cacheprovider", "--e2e-out=second")
    assert result.ret == 0
    assert boots.begun == ["fresh", "elsewhere"]


def test_a_folder_called_scenarios_above_the_project_means_nothing(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    inner = pytester.path / "scenarios" / "project"
    inner.mkdir(parents=True)
    (inner / "ci.yaml").write_text("on: push")
    (inner / "pytest.ini").write_text("[pytest]")
    os.chdir(inner)
    assert pytester.runpytest_inprocess().ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize("value", ["", "maybe"])
def test_require_live_that_cannot_be_read_ends_everything(
    pytester: pytest.Pytester, boots: Boots, monkeypatch: Any, value: str
) -> None:
    monkeypatch.setenv("E2E_REQUIRE_LIVE", value)
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_subprocess()
    assert result.ret == 2
    assert "E2E_REQUIRE_LIVE" in result.stderr.str() + result.stdout.str()
    assert not (pytester.path / "e2e-runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--e2e-target=moon"], "unknown target 'moon'"),
        (["--e2e-target=docker"], "docker"),
        (["--e2e-twin=/nonexistent"], "--twin /nonexistent"),
        (["--e2e-keep=always"], "in vain"),
    ],
)
def test_bad_configuration_ends_with_two_before_anything_is_created(
    pytester: pytest.Pytester, boots: Boots, folder: Any, arguments: list[str], words: str
) -> None:
    folder("fresh")
    result = pytester.runpytest_subprocess("scenarios", *arguments)
    assert result.ret == 2
    assert words in result.stdout.str() + result.stderr.str()
    assert boots.begun == []
    assert not (pytester.path / "e2e-runs").exists()


def test_folders_that_cannot_be_written_are_found_before_the_boot(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh")
    (pytester.path / "file").write_text("")
    result = pytester.runpytest_inprocess("scenarios", "--e2e-out=file/out")
    assert result.ret == 2
    assert boots.begun == []


def test_a_file_for_another_target_is_refused_where_it_is_named(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh", targets="staging")
    result = pytester.runpytest_inprocess("scenarios/fresh.yaml")
    assert result.ret == 2
    assert "not for target local" in result.stdout.str() + result.stderr.str()


def test_a_file_for_another_target_is_told_where_its_folder_is_named(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh")
    folder("live", targets="staging")
    result = pytester.runpytest_inprocess("scenarios")
    assert result.ret == 0
    assert boots.begun == ["fresh"]
    assert [Path(path).name for path in receipt(pytester)["not_applicable"]] == ["live.yaml"]


def test_a_file_that_is_no_scenario_keeps_every_other_from_booting(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh").joinpath("odd.yaml").write_text("scenario: odd\nsumary: x\ntargets: [local]\n")
    result = pytester.runpytest_inprocess("scenarios")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*odd.yaml:2:1: unknown key 'sumary'; did you mean 'summary'?*"])
    assert boots.begun == []


def test_with_collection_errors_forgiven_the_others_boot_and_it_is_not_green(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh").joinpath("odd.yaml").write_text("scenario: odd")
    result = pytester.runpytest_inprocess("scenarios", "--continue-on-collection-errors")
    assert result.ret == 1
    assert boots.begun == ["fresh"]


def test_listing_boots_nothing(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh")
    result = pytester.runpytest_inprocess("scenarios", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*fresh.yaml::online"])
    assert boots.begun == []


def test_the_whole_file_counts_where_a_single_item_was_chosen(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("bad")
    result = pytester.runpytest_inprocess("scenarios", "-k", "torn_down")
    result.assert_outcomes(passed=1, deselected=len(PROOF_NAMES))
    assert result.ret == 1


def test_a_file_of_which_all_was_deselected_is_not_booted(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("a", "b")
    result = pytester.runpytest_inprocess("scenarios", "-k", "a.yaml")
    assert result.ret == 0
    assert boots.begun == ["a"]


def test_under_require_live_what_was_deselected_is_demanded_all_the_same(
    pytester: pytest.Pytester, boots: Boots, folder: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("E2E_REQUIRE_LIVE", "1")
    folder("a", "b")
    result = pytester.runpytest_inprocess("scenarios", "-k", "a.yaml", "--e2e-target=local")
    assert result.ret == 1
    assert [Path(path).name for path in receipt(pytester)["demanded"]] == ["b.yaml", "a.yaml"]


@pytest.mark.parametrize("mark", ["xfail(reason='flaky')", "skip(reason='later')"])
def test_a_mark_from_outside_makes_no_red_run_green(
    pytester: pytest.Pytester, boots: Boots, folder: Any, mark: str
) -> None:
    folder("bad")
    pytester.makeconftest(MARK_ALL.format(mark=mark))
    result = pytester.runpytest_inprocess("scenarios")
    assert result.ret == 1
    assert receipt(pytester)["code"] == 1


def test_a_named_file_whose_items_a_conftest_takes_away_is_demanded_all_the_same(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("a", "b")
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if i.path.name != 'b.yaml']"
    )
    result = pytester.runpytest_inprocess("scenarios/a.yaml", "scenarios/b.yaml")
    assert result.ret != 0
    assert boots.begun == ["a"]
    assert receipt(pytester)["code"] == 5


def test_other_tests_are_none_of_our_business(pytester: pytest.Pytester, boots: Boots, monkeypatch: Any) -> None:
    pytester.makepyfile("def test_other(): pass")
    monkeypatch.setenv("E2E_REQUIRE_LIVE", "0")
    result = pytester.runpytest_inprocess()
    assert result.ret == 0
    assert not (pytester.path / "e2e-runs").exists()


def test_under_require_live_other_tests_do_not_make_up_for_proof(
    pytester: pytest.Pytester, boots: Boots, monkeypatch: Any
) -> None:
    pytester.makepyfile("def test_other(): pass")
    monkeypatch.setenv("E2E_REQUIRE_LIVE", "1")
    monkeypatch.setenv("E2E_TARGET", "local")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    assert receipt(pytester)["code"] == 5


def test_an_embedded_target_under_require_live_boots_nothing(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh")
    result = pytester.runpytest_inprocess("scenarios", "--e2e-require-live", "--e2e-target=local")
    result.assert_outcomes(failed=len(PROOF_NAMES) + 1)
    result.stdout.fnmatch_lines(["*nothing live was proven*"])
    assert boots.begun == []
    assert result.ret == 1
    assert receipt(pytester)["code"] == 5


def test_a_rehearsal_passes_its_items_and_is_not_green(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh")
    arguments = ("--e2e-require-live", "--e2e-rehearse", "--e2e-target=local")
    result = pytester.runpytest_inprocess("scenarios", *arguments)
    result.assert_outcomes(passed=len(PROOF_NAMES) + 1)
    result.stdout.fnmatch_lines(["a rehearsal: nothing live was proven", "session: * ends with 5"])
    assert result.ret == 1


def test_staging_without_credentials_is_a_loud_skip(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh", targets="staging")
    result = pytester.runpytest_inprocess("scenarios", "--e2e-target=staging", "-rs")
    result.assert_outcomes(skipped=len(PROOF_NAMES) + 1)
    result.stdout.fnmatch_lines(["fresh: skipped", "*MOLECULE_ADMIN_TOKEN is not set*", "*ends with 0"])
    result.stdout.no_fnmatch_line("*passed*")
    assert result.ret == 0
    assert boots.begun == []


def test_ctrl_c_asks_every_run_to_stop_and_waits_for_it(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("a", "b", "c")
    begun = threading.Barrier(2, timeout=10)

    def interrupt(order: RunOrder) -> None:
        meet(begun)
        if order.scenario.name == "a":
            os.kill(os.getpid(), signal.SIGINT)
        wait_until(lambda: order.interruption.requested)

    boots.act = interrupt
    result = pytester.runpytest_inprocess("scenarios", "--e2e-jobs=2", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert sorted(boots.asked_to_stop) == ["a", "b"]
    document = receipt(pytester)
    assert document["code"] == 130
    assert "interrupted: the session was asked to stop" in document["remarks"]


def test_the_first_failure_stops_the_others_where_that_is_asked_for(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("bad", "slow")
    begun = threading.Barrier(2, timeout=10)

    def wait(order: RunOrder) -> None:
        meet(begun)
        if order.scenario.name == "slow":
            wait_until(lambda: order.interruption.requested)

    boots.act = wait
    result = pytester.runpytest_inprocess("scenarios", "-x", "--e2e-jobs=2")
    assert result.ret == 1
    assert boots.asked_to_stop == ["slow"]
    assert receipt(pytester)["code"] == 1


def test_progress_goes_through_a_descriptor_of_its_own(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh")
    read, write = os.pipe()
    pytester.runpytest_inprocess("scenarios", f"--e2e-progress-fd={write}")
    with os.fdopen(read) as lines:
        assert lines.read() == "[fresh] booting\n"


def test_when_nobody_listens_any_more_the_runs_are_asked_to_stop(
    pytester: pytest.Pytester, boots: Boots, folder: Any
) -> None:
    folder("fresh")
    read, write = os.pipe()
    os.close(read)
    result = pytester.runpytest_inprocess("scenarios", f"--e2e-progress-fd={write}", no_reraise_ctrlc=True)
    assert boots.asked_to_stop == ["fresh"]
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_descriptor_that_is_none_costs_only_the_lines(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh")
    assert pytester.runpytest_inprocess("scenarios", "--e2e-progress-fd=987").ret == 0


def test_the_bundle_is_named_in_the_junit_report(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh")
    pytester.runpytest_inprocess("scenarios", "--junitxml=junit.xml")
    assert '<property name="bundle" value="e2e-runs/' in (pytester.path / "junit.xml").read_text()


def test_a_time_limit_for_tests_is_none_for_runs(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("fresh")
    boots.act = lambda _: wait_until(lambda: False, 0.3)
    assert pytester.runpytest_inprocess("scenarios", "--timeout=0.1").ret == 0


def test_xdist_boots_each_file_in_one_worker(pytester: pytest.Pytester, boots: Boots, folder: Any) -> None:
    folder("a", "b", targets="staging")
    result = pytester.runpytest_inprocess("scenarios", "-n2", "--dist=loadfile", "--e2e-target=staging")
    result.assert_outcomes(skipped=2 * (len(PROOF_NAMES) + 1))
    assert result.ret == 0
    sessions = sorted((pytester.path / "e2e-runs").glob("*-gw*"))
    assert [path.name[-4:] for path in sessions] == ["-gw0", "-gw1"]
    runs = [run.name for path in sessions for run in path.iterdir() if run.is_dir()]
    assert len(runs) == 2


def test_xdist_never_loses_a_code(pytester: pytest.Pytester, boots: Boots, folder: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("E2E_REQUIRE_LIVE", "1")
    monkeypatch.setenv("E2E_TARGET", "local")
    folder("a")
    pytester.makeconftest(MARK_ALL.format(mark="xfail"))
    result = pytester.runpytest_inprocess("scenarios", "-n1")
    assert result.ret == 1


def test_xdist_without_any_scenario_is_not_green_under_require_live(
    pytester: pytest.Pytester, boots: Boots, monkeypatch: Any
) -> None:
    monkeypatch.setenv("E2E_REQUIRE_LIVE", "1")
    monkeypatch.setenv("E2E_TARGET", "local")
    pytester.makepyfile("def test_other(): pass")
    assert pytester.runpytest_inprocess("-n1").ret == 1
