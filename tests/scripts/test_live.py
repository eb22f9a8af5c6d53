"""The scripts of the pipelines: green only by a receipt of their own, whatever the process says."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RECEIPT = 'mkdir -p "$out/$E2E_RUN_ID"; printf \'{\\n  "code": %s,\\n}\\n\' {code} > "$out/$E2E_RUN_ID/session.json"'
STAND_IN = """#!/bin/sh
echo "asked: $*"; echo "live: $E2E_REQUIRE_LIVE"; echo "complete: ${{_CONCIERGE_E2E_COMPLETE:-no}}"
while [ "$1" != --out ]; do shift; done; out=$2
{does}
"""
Piped = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["nightly", "gate"])
def piped(request: pytest.FixtureRequest, tmp_path: Path) -> Piped:
    """Return a function that runs the script of a pipeline with a stand-in for ``scripts/e2e``."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in (request.param, "live.sh"):
        shutil.copy(ROOT / "scripts" / name, scripts / name)

    def run(does: str, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        (scripts / "e2e").write_text(STAND_IN.format(does=does), encoding="utf-8")
        (scripts / "e2e").chmod(0o755)
        return subprocess.run(
            [scripts / request.param, *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def receipt(code: int) -> str:
    return RECEIPT.replace("{code}", str(code))


def test_a_receipt_that_says_0_is_green_and_live_proof_was_demanded(piped: Piped) -> None:
    done = piped(receipt(0), "--out", "kept here", _CONCIERGE_E2E_COMPLETE="bash_source")
    assert done.returncode == 0, done.stdout
    assert "--target staging --require-live --keep never --out kept here --jobs 1" in done.stdout
    assert "live: 1" in done.stdout
    assert "complete: no" in done.stdout


@pytest.mark.parametrize("does", ["exit 0", receipt(5)])
def test_a_process_that_ends_with_0_is_not_believed_without_its_receipt(piped: Piped, does: str) -> None:
    done = piped(does)
    assert done.returncode == 70
    assert "receipt-missing" in done.stdout


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 70, 130, 137, 143])
def test_any_other_end_keeps_its_code(piped: Piped, code: int) -> None:
    assert piped(f"{receipt(0)}; exit {code}").returncode == code


@pytest.mark.parametrize("words", [["--help"], ["--target", "local"], ["--keep", "always"], ["--out"], ["--rehearse"]])
def test_no_other_word_is_taken(piped: Piped, words: list[str]) -> None:
    done = piped(receipt(0), *words)
    assert done.returncode == 2, done.stdout
    assert "asked:" not in done.stdout


def test_a_receipt_that_was_there_before_is_nobodys_green(piped: Piped, tmp_path: Path) -> None:
    (tmp_path / "e2e-runs" / "again").mkdir(parents=True)
    (tmp_path / "e2e-runs" / "again" / "session.json").write_text('{\n  "code": 0,\n}\n')
    done = piped("exit 0", E2E_RUN_ID="again")
    assert done.returncode == 2
    assert "has a receipt already" in done.stdout
