"""``faults``: the list of causes, for people and for programs."""

import json

from click.testing import CliRunner

from e2e.cli.faults import faults
from e2e.verdict.causes import CAUSES


def test_every_cause_has_its_line() -> None:
    result = CliRunner().invoke(faults)
    assert result.exit_code == 0
    for cause, line in zip(CAUSES, result.output.splitlines(), strict=False):
        assert line.startswith(cause.id)
        assert cause.meaning in line


def test_programs_get_the_same_list() -> None:
    rows = json.loads(CliRunner().invoke(faults, ["--json"]).output)
    assert [row["id"] for row in rows] == [cause.id for cause in CAUSES]
    assert all(row["next"] and row["class"] for row in rows)
