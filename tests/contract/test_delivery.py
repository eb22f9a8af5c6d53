"""The delivery contract is one typed value, and a file that is not one is refused by name."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from e2e.contract import ContractError, contracts_folder, load_contract, parse_contract

FIELDS = [
    ("contract_version",),
    ("settings_path",),
    ("key",),
    ("mcp_server_name",),
    ("legacy_binary_path",),
    ("runtime_present_field",),
    ("loaded_mcp_tools_field",),
    ("plugin",),
    ("plugin", "source"),
    ("plugin", "declared_name"),
    ("create_workspace",),
    ("create_workspace", "tool_names"),
    ("create_workspace", "required_tool"),
    ("create_workspace", "name_argument"),
    ("create_workspace", "model_argument"),
    ("create_workspace", "model"),
]


@pytest.fixture
def document() -> dict[str, Any]:
    """Return the contract that travels with the harness, as JSON."""
    text = (contracts_folder() / "mcp-plugin-delivery.contract.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """Return the contract's schema, itself checked."""
    schema = json.loads((contracts_folder() / "mcp-plugin-delivery.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_every_field_of_the_file_arrives(document: dict[str, Any]) -> None:
    contract = load_contract()
    for name in (
        "settings_path",
        "key",
        "mcp_server_name",
        "legacy_binary_path",
        "runtime_present_field",
        "loaded_mcp_tools_field",
    ):
        assert getattr(contract, name) == document[name]
    assert contract.version == document["contract_version"]
    assert (contract.plugin_source, contract.plugin_declared_name) == (
        document["plugin"]["source"],
        document["plugin"]["declared_name"],
    )
    assert list(contract.create_workspace.tool_names) == document["create_workspace"]["tool_names"]


def test_a_tool_is_reported_under_the_servers_name() -> None:
    contract = load_contract()
    assert contract.tool_id("x") == f"mcp__{contract.mcp_server_name}__x"
    assert contract.required_tool_id == contract.tool_id(contract.create_workspace.required_tool)


def test_the_call_takes_the_name_and_the_model() -> None:
    call = load_contract().create_workspace
    assert call.arguments("mine") == {call.name_argument: "mine", call.model_argument: call.model}


def test_a_contract_is_not_changed_by_anybody() -> None:
    with pytest.raises(FrozenInstanceError):
        load_contract().key = "other"  # type: ignore[misc]


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_contract_without_a_field_is_refused_by_name(path: tuple[str, ...], document: dict[str, Any]) -> None:
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    with pytest.raises(ContractError, match=rf"lacks '{path[-1]}'"):
        parse_contract(document)


@pytest.mark.parametrize("change", [{"plugin": "none"}, {"create_workspace": None}, {"create_workspace": []}])
def test_a_contract_of_another_shape_is_refused(change: dict[str, Any], document: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        parse_contract(document | change)


def test_the_required_tool_must_be_one_of_its_names(document: dict[str, Any]) -> None:
    document["create_workspace"]["required_tool"] = "destroy_workspace"
    with pytest.raises(ContractError, match="not among its own tool_names"):
        parse_contract(document)


def test_a_copy_elsewhere_is_read_from_there(tmp_path: Path, document: dict[str, Any]) -> None:
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps(document | {"contract_version": "2026-06-25"}))
    assert load_contract(copy).version == "2026-06-25"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'"contract"'])
def test_a_file_that_is_no_contract_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_bytes(content)
    with pytest.raises(ContractError):
        load_contract(tmp_path / "contract.json")


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"cannot read the delivery contract .*gone\.json"):
        load_contract(tmp_path / "gone.json")


def test_the_contract_fits_its_schema(document: dict[str, Any], validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(document)) == []


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_the_schema_demands_what_is_read(
    path: tuple[str, ...], document: dict[str, Any], validator: Draft202012Validator
) -> None:
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    assert not validator.is_valid(document)


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"settings_path": "configs/settings.json"},
        {"contract_version": "June"},
        {"mcp_server_name": "Molecule Platform"},
        {"plugin": {"source": "gitea://a/b", "declared_name": "b"}},
        {"consumers": []},
    ],
    ids=str,
)
def test_the_schema_refuses_what_makes_no_sense(
    change: dict[str, Any], document: dict[str, Any], validator: Draft202012Validator
) -> None:
    assert not validator.is_valid(document | change)
