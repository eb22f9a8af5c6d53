"""``contract check``: the contract against its schema and the code that reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from e2e.cli.contract import contract
from e2e.contract import contracts_folder


def check(*arguments: str) -> Any:
    return CliRunner().invoke(contract, ["check", *arguments])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "copy.json"
    path.write_bytes((contracts_folder() / "mcp-plugin-delivery.contract.json").read_bytes())
    return path


def test_our_own_contract_is_in_order() -> None:
    result = check()
    assert result.exit_code == 0
    assert "is in order" in result.output


def test_a_sound_copy_is_in_order(copy: Path) -> None:
    assert check(str(copy)).exit_code == 0


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}"])
def test_what_is_no_contract_is_refused_with_its_name(copy: Path, text: str) -> None:
    copy.write_text(text)
    result = check(str(copy))
    assert result.exit_code == 2
    assert str(copy) in result.output


def test_every_problem_is_told_at_once_with_its_place(copy: Path) -> None:
    document = json.loads(copy.read_text())
    document["create_workspace"]["tool_names"] = "create_workspace"
    document["key"] = 5
    copy.write_text(json.dumps(document))
    result = check(str(copy))
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 2
    assert "create_workspace/tool_names" in result.output


def test_a_contract_that_the_code_cannot_read_is_refused(copy: Path, monkeypatch: Any) -> None:
    from e2e.contract import ContractError

    def refuse(_: Path) -> None:
        raise ContractError("the code wants more than the schema")

    monkeypatch.setattr("e2e.contract.load_contract", refuse)
    result = check(str(copy))
    assert result.exit_code == 2
    assert "wants more" in result.output


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert check(str(tmp_path / "none.json")).exit_code == 2
