"""``twin serve`` in the foreground and two harnesses on it at once; what the twin outlives, and how it ends."""

import json
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def served(start: Any) -> Any:
    """A twin that somebody serves by hand."""
    program = start("twin", "serve", "--json", "--speed", "100")
    program.says('"pid"')
    return program


@pytest.fixture(scope="module")
def line(served: Any, scenarios: Path) -> Path:
    """The file with the line that it prints."""
    path = scenarios / "twin.json"
    path.write_text(served.out)
    return path


@pytest.fixture(scope="module")
def runs(start: Any, scenarios: Path, line: Path) -> list[Any]:
    """Two harnesses on one twin, at the same time; the second one only rehearses."""
    fresh = str(scenarios / "fresh_boot.yaml")
    programs = [
        start("run", fresh, "--twin", str(line), "--out", "{out}", *options)
        for options in ((), ("--require-live", "--rehearse"))
    ]
    for program in programs:
        program.code = program.wait()
    return programs


def test_both_prove_their_own_concierge(runs: list[Any]) -> None:
    verdicts = [program.verdicts()["fresh-boot"] for program in runs]
    assert [verdict["outcome"] for verdict in verdicts] == ["proven", "proven"], "".join(run.text for run in runs)
    assert verdicts[0]["slug"] != verdicts[1]["slug"]
    assert verdicts[0]["incarnation"] != verdicts[1]["incarnation"]


def test_only_the_rehearsal_does_not_end_with_zero(runs: list[Any]) -> None:
    assert [program.code for program in runs] == [0, 5]
    assert runs[1].verdicts()["fresh-boot"]["rehearsal"] is True
    assert "a rehearsal: nothing live was proven" in runs[1].out


def test_the_header_tells_the_speed_of_the_twin_and_no_twin_of_its_own_is_started(runs: list[Any]) -> None:
    for program in runs:
        assert "target local (embedded)" in program.err
        assert "speed 100" in program.err
        assert not list((program.folder / "out").rglob("twin.log"))
        program.assert_nothing_is_left()


def test_a_scenario_that_needs_its_own_twin_is_refused(start: Any, scenarios: Path, line: Path) -> None:
    file = str(scenarios / "faults" / "mcp-not-delivered.yaml")
    program = start("run", file, "--twin", str(line), "--out", "{out}")
    assert program.wait() == 2
    assert program.err.strip() == f"{file}: needs a twin of its own (`twin:`); run it without --twin"
    assert not (program.folder / "out").exists()


def test_a_port_that_is_taken_is_one_clear_line(start: Any, served: Any) -> None:
    port = json.loads(served.out)["control_plane_url"].rpartition(":")[2]
    program = start("twin", "serve", "--port-control-plane", port)
    assert program.wait() == 2
    (said,) = program.err.splitlines()
    assert port in said
    program.assert_nothing_is_left()


def test_a_twin_outlives_its_harnesses_and_ends_without_a_trace(runs: list[Any], served: Any) -> None:
    assert served.process.poll() is None
    assert psutil.pid_exists(json.loads(served.out)["pid"])
    served.process.send_signal(signal.SIGTERM)
    assert served.wait() == 0
    served.assert_nothing_is_left()
