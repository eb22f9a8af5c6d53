"""The table itself: large enough, each row once, and the page about it printed from it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def printed() -> str:
    """Return the page as the script prints it now."""
    command = [sys.executable, str(ROOT / "scripts" / "no-false-green")]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def test_the_page_is_the_one_that_the_table_prints(printed: str) -> None:
    page = (ROOT / "docs" / "no-false-green.md").read_text(encoding="utf-8")
    assert page == printed, "run: scripts/no-false-green > docs/no-false-green.md"


def test_the_table_has_at_least_63_ways_each_once(rows: list[Any]) -> None:
    assert len(rows) >= 63
    assert len({row.id for row in rows}) == len({row.way for row in rows}) == len(rows)


def test_every_row_that_the_plugin_closes_says_with_which_words(rows: list[Any]) -> None:
    assert [row.id for row in rows if row.closed_by == "plugin" and not row.says] == []
    assert {row.closed_by for row in rows} == {"plugin", "receipt"}
