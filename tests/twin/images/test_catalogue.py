"""The catalogue: digests follow the content, and only the content."""

import json
import os
import stat
from pathlib import Path

import pytest

from e2e.contract import contracts_folder
from e2e.twin.images import BEFORE_FIX_IMAGE, DEFAULT_IMAGE, ENTRYPOINT, catalogue
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


def test_the_image_before_the_fix_differs_only_in_what_it_looks_for() -> None:
    images = catalogue(light_mcp=False)
    before, default = ({file.path: file.data for file in images[n].files} for n in (BEFORE_FIX_IMAGE, DEFAULT_IMAGE))

    differing = {path for path in before.keys() | default.keys() if before.get(path) != default.get(path)}

    assert differing == {"app/molecule_runtime/platform_agent_identity.py"}


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


def test_no_image_carries_the_retired_binary(tmp_path: Path) -> None:
    legacy = json.loads((contracts_folder() / "mcp-plugin-delivery.contract.json").read_text())["legacy_binary_path"]

    for image in catalogue(light_mcp=False).values():
        assert legacy.lstrip("/") not in {file.path for file in image.files}
