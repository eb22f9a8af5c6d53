"""The plugin archive, and that the plugin says what the delivery contract says."""

import io
import json
import tarfile

import pytest

from e2e.contract import load_contract
from e2e.twin.plugins import plugin_archive

OWNER, REPOSITORY = "molecule-ai", "molecule-ai-plugin-molecule-platform-mcp"


def _files() -> dict[str, bytes]:
    archive = plugin_archive(OWNER, REPOSITORY, "main")
    assert archive is not None
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        members = {member.name: tar.extractfile(member) for member in tar}
        return {name: content.read() for name, content in members.items() if content is not None}


def test_the_archive_has_one_top_folder_as_the_forge_makes_it() -> None:
    assert {name.partition("/")[0] for name in _files()} == {REPOSITORY}


def test_the_fragment_wires_the_server_of_the_contract_under_the_key_of_the_contract() -> None:
    contract = load_contract()
    fragment = json.loads(_files()[f"{REPOSITORY}/settings-fragment.json"])

    assert list(fragment) == [contract.key]
    assert list(fragment[contract.key]) == [contract.mcp_server_name]
    entry = fragment[contract.key][contract.mcp_server_name]
    assert entry == {"command": "molecule-mcp", "env": {"MOLECULE_MCP_MODE": "management"}}


def test_the_contract_declares_the_plugin_by_the_name_of_its_repository() -> None:
    contract = load_contract()

    assert contract.plugin_declared_name == REPOSITORY
    assert contract.plugin_source == f"gitea://{OWNER}/{REPOSITORY}#main"


def test_the_same_content_gives_the_same_bytes() -> None:
    assert plugin_archive(OWNER, REPOSITORY, "main") == plugin_archive(OWNER, REPOSITORY, "main")


@pytest.mark.parametrize(
    ("owner", "repository", "ref"),
    [
        ("somebody", REPOSITORY, "main"),
        (OWNER, "molecule-ai-plugin-unknown", "main"),
        (OWNER, REPOSITORY, "no-such-branch"),
        (OWNER, "..", "main"),
        (OWNER, "", "main"),
    ],
)
def test_anything_else_is_not_found(owner: str, repository: str, ref: str) -> None:
    assert plugin_archive(owner, repository, ref) is None
