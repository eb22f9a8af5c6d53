"""The catalogue: digests follow the content, and only the content."""

import os
import stat
from importlib import metadata
from pathlib import Path

import pytest

from e2e.contract import contracts_folder, load_contract
from e2e.twin.images import DEFAULT_IMAGE, ENTRYPOINT, catalogue
from e2e.twin.images.catalogue import content_digest
from e2e.twin.images.rootfs import ImageFile


def test_the_same_content_always_has_the_same_digest() -> None:
    first, second = catalogue(light_mcp=False), catalogue(light_mcp=False)

    assert {name: image.digest for name, image in first.items()} == {n: image.digest for n, image in second.items()}


def test_every_image_of_either_server_has_a_digest_of_its_own() -> None:
    images = [*catalogue(light_mcp=False).values(), *catalogue(light_mcp=True).values()]

    assert len({image.digest for image in images}) == len(images)


def test_an_image_names_itself_by_its_digest() -> None:
    image = catalogue(light_mcp=False)[DEFAULT_IMAGE]

    assert image.digest.startswith("sha256:")
    assert image.reference.endswith("@" + image.digest)
    assert (image.name, image.template) == (DEFAULT_IMAGE, "claude-code")


@pytest.mark.parametrize(
    "changed",
    [
        ImageFile("app/a", 0o644, b"other"),
        ImageFile("app/b", 0o644, b"one"),
        ImageFile("app/a", 0o755, b"one"),
    ],
)
def test_bytes_path_and_mode_each_change_the_digest(changed: ImageFile) -> None:
    assert content_digest([ImageFile("app/a", 0o644, b"one")]) != content_digest([changed])


def test_the_order_of_files_does_not_change_the_digest() -> None:
    files = [ImageFile("app/a", 0o644, b"one"), ImageFile("app/b", 0o644, b"two")]

    assert content_digest(files) == content_digest(reversed(files))


def test_bytes_cannot_move_between_files_without_changing_the_digest() -> None:
    one = [ImageFile("a", 0o644, b"b\x00644\x001\x00x"), ImageFile("c", 0o644, b"")]
    other = [ImageFile("a", 0o644, b"b\x00644\x001\x00"), ImageFile("c", 0o644, b"x")]

    assert content_digest(one) != content_digest(other)


def test_bytecode_of_a_checkout_is_no_content() -> None:
    for image in catalogue(light_mcp=True).values():
        assert not [file.path for file in image.files if "__pycache__" in file.path]


def test_the_delivery_contract_in_the_image_is_the_one_of_the_harness(tmp_path: Path) -> None:
    catalogue(light_mcp=False)[DEFAULT_IMAGE].build_rootfs(tmp_path)

    name = "mcp-plugin-delivery.contract.json"
    assert (tmp_path / "app" / "contracts" / name).read_bytes() == (contracts_folder() / name).read_bytes()


IDENTITY = "app/molecule_runtime/platform_agent_identity.py"
TOOLS_REPORT = "app/molecule_runtime/loaded_tools.py"
INSTALLER = "app/molecule_runtime/declared_plugins.py"
ADAPTOR = "app/molecule_runtime/plugin_adaptor.py"
BINARY = "opt/molecule-mcp-server"


DIFFERENCES: dict[str, set[str]] = {
    "claude-code-previous": set(),
    "claude-code-before-fix": {IDENTITY},
    "claude-code-legacy": {IDENTITY, TOOLS_REPORT, ADAPTOR, BINARY},
    "claude-code-unreported": {IDENTITY, TOOLS_REPORT, ADAPTOR, BINARY},
    "claude-code-hollow-binary": {TOOLS_REPORT, ADAPTOR, BINARY},
    "claude-code-no-boot-install": {INSTALLER},
    "claude-code-no-tools": {TOOLS_REPORT},
    "claude-code-wrong-mode": {"app/molecule_mcp_server/mode.py"},
    "claude-code-other-verb": {"app/molecule_mcp_server/verb.py"},
}


@pytest.mark.parametrize(("name", "differing"), DIFFERENCES.items())
def test_an_image_differs_from_the_default_one_only_in_what_it_is_there_for(name: str, differing: set[str]) -> None:
    images = catalogue(light_mcp=False)
    other, default = ({file.path: file.data for file in images[n].files} for n in (name, DEFAULT_IMAGE))

    found = {path for path in other.keys() | default.keys() if other.get(path) != default.get(path)}

    assert {path for path in found if ".dist-info/" not in path} == differing


def test_every_image_is_known_to_the_test_above() -> None:
    assert DIFFERENCES.keys() | {DEFAULT_IMAGE} == catalogue(light_mcp=False).keys()


def test_an_installed_runtime_tells_the_version_of_its_image(tmp_path: Path) -> None:
    for image in catalogue(light_mcp=False).values():
        image.build_rootfs(tmp_path / image.name)
        (runtime,) = metadata.distributions(path=[str(tmp_path / image.name / "app")])
        assert (runtime.name, runtime.version) == ("molecule-ai-workspace-runtime", image.version)


def test_a_built_image_can_be_started_and_has_the_folders_of_a_container(tmp_path: Path) -> None:
    catalogue(light_mcp=False)[DEFAULT_IMAGE].build_rootfs(tmp_path)

    assert os.access(str(tmp_path) + ENTRYPOINT, os.X_OK)
    for folder in ("workspace", "opt", "home/agent", "tmp/agent", "plugins"):
        assert (tmp_path / folder).is_dir()
    for program in ("molecule-mcp", "molecule-runtime"):
        assert stat.S_IMODE((tmp_path / "usr/local/bin" / program).stat().st_mode) == 0o755


def test_what_depends_on_the_machine_is_left_to_the_host(tmp_path: Path) -> None:
    catalogue(light_mcp=False)[DEFAULT_IMAGE].build_rootfs(tmp_path)

    programs = {path.name for path in (tmp_path / "usr/local/bin").iterdir()}
    assert programs == {"molecule-mcp", "molecule-runtime"}


def test_the_retired_binary_lies_where_the_contract_says() -> None:
    assert load_contract().legacy_binary_path == f"/{BINARY}"


def test_only_images_of_before_the_plugins_carry_the_retired_binary() -> None:
    carrying = {
        image.name: next((file for file in image.files if file.path == BINARY), None)
        for image in catalogue(light_mcp=False).values()
    }

    modes = {name: stat.S_IMODE(file.mode) for name, file in carrying.items() if file is not None}
    assert modes == {"claude-code-legacy": 0o755, "claude-code-unreported": 0o755, "claude-code-hollow-binary": 0o644}
