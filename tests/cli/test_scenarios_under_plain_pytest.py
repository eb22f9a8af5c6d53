"""Plain ``pytest`` on scenario files and real twins: readable items, the same verdict, and no faulty twin is proven."""

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from e2e.scenario.model import PROOF_NAMES

pytestmark = pytest.mark.twin

FAULTY = {
    "mcp-not-delivered": "{faults: [{name: mcp-not-delivered}]}",
    "runtime-ignores-plugin-mcp": "{image: claude-code-before-fix}",
    "create-workspace-no-row": "{faults: [{name: create-workspace-no-row}]}",
}


@pytest.fixture(scope="module")
def files(scenarios: Path) -> list[Path]:
    """The fresh boot, and three copies of it on faulty twins that expect nothing in particular."""
    fresh = scenarios / "fresh_boot.yaml"
    copies = scenarios / "copies"
    copies.mkdir()
    text = fresh.read_text().replace("targets: [local, docker, staging]", "targets: [local]")
    for name, twin in FAULTY.items():
        (copies / f"{name}.yaml").write_text(text.replace("fresh-boot", f"copy-{name}") + f"twin: {twin}\n")
    return [fresh, *sorted(copies.iterdir())]


@pytest.fixture(scope="module")
def run(start: Any, files: list[Path]) -> Any:
    """One pytest session of all four, side by side."""
    ours = ("--e2e-out={out}", "--e2e-jobs=4", "--junitxml={out}/junit.xml")
    program = start("-p", "no:cacheprovider", "-v", *map(str, files), *ours, module="pytest")
    program.code = program.wait()
    shutil.rmtree(program.folder / "cwd" / ".hypothesis", ignore_errors=True)
    return program


def test_the_items_of_a_sound_boot_are_its_proofs_and_its_verdict(run: Any) -> None:
    for name in (*PROOF_NAMES, "verdict"):
        assert any(f"fresh_boot.yaml::{name} PASSED" in line for line in run.out.splitlines()), run.text
    assert "fresh-boot: proven" in run.out
    assert "[fresh-boot] ok torn_down" in run.err


def test_the_verdict_is_the_one_that_run_gives(run: Any) -> None:
    verdict = run.verdicts()["fresh-boot"]
    assert (verdict["outcome"], verdict["claim"], verdict["code"]) == ("proven", "row_by_agent", 0)


@pytest.mark.parametrize("fault", sorted(FAULTY))
def test_no_faulty_twin_is_ever_proven_even_where_nothing_is_expected(run: Any, fault: str) -> None:
    verdict = run.verdicts()[f"copy-{fault}"]
    assert verdict["outcome"] == "failed"
    assert verdict["cause"] == fault
    assert verdict["claim"] != "row_by_agent"
    assert verdict["expectation"] is None
    assert any(f"{fault}.yaml::verdict FAILED" in line for line in run.out.splitlines())


def test_a_failing_item_reads_like_a_sentence_and_not_like_a_traceback(run: Any) -> None:
    assert "failed: PRODUCT mcp-not-delivered" in run.out
    assert "next:   concierge-e2e" in run.out
    assert "Traceback" not in run.out


def test_the_session_is_red_and_so_is_its_receipt(run: Any) -> None:
    assert run.code == 1
    assert run.receipt()["code"] == 1
    report = ET.parse(run.folder / "out" / "junit.xml").getroot()
    assert len(list(report.iter("testcase"))) == 4 * (len(PROOF_NAMES) + 1)


def test_nothing_of_the_four_is_left(run: Any) -> None:
    run.assert_nothing_is_left()
