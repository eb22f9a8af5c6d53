"""The catalogue of runtime images: what a container starts from, with a digest computed from the content.

An image is a set of files by container path. It is put together from folders under ``content/``: ``base`` for what
all images share and overlays that replace or add files. The delivery contract is added from where it travels with the
harness, so that there is one copy of it. The digest covers path, mode and bytes of every file, sorted by path, and
nothing of the machine: not the time stamps and modes of a checkout, not what :mod:`e2e.twin.images.rootfs` writes
beside the content.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2e.contract import contracts_folder
from e2e.twin.images.rootfs import ImageFile, write_rootfs

__all__ = ["BEFORE_FIX_IMAGE", "DEFAULT_IMAGE", "ENTRYPOINT", "Image", "catalogue", "content_digest"]

DEFAULT_IMAGE = "claude-code"
BEFORE_FIX_IMAGE = "claude-code-before-fix"
ENTRYPOINT = "/app/entrypoint.sh"

_CONTENT = Path(__file__).resolve().parent / "content"
_CONTRACT = "mcp-plugin-delivery.contract.json"
_TEMPLATE = "claude-code"
_REPOSITORY = "registry.molecule.invalid/molecule-ai/workspace-template-claude-code"


@dataclass(frozen=True, slots=True)
class Image:
    """One image. ``digest`` is ``sha256:`` and the hash of the content; ``reference`` names repository and digest."""

    name: str
    template: str
    version: str
    reference: str
    digest: str
    files: tuple[ImageFile, ...] = field(repr=False)

    def build_rootfs(self, rootfs: Path) -> None:
        """Fill the empty folder ``rootfs`` with the content and what follows from it.

        Raises:
            OSError: a file cannot be written.
        """
        write_rootfs(self.files, rootfs)


def catalogue(*, light_mcp: bool) -> Mapping[str, Image]:
    """Return the images by name; with ``light_mcp`` their management server is the one on the standard library.

    The launcher of that server is part of the content, so a light image has a digest of its own.

    Raises:
        OSError: the content cannot be read; the installation is damaged.
    """
    light = ("light-mcp",) if light_mcp else ()
    return {
        image.name: image
        for image in (
            _image(DEFAULT_IMAGE, "2026.6.20", ("base", *light)),
            _image(BEFORE_FIX_IMAGE, "2026.6.19", ("base", *light, "claude-code-before-fix")),
        )
    }


def content_digest(files: Iterable[ImageFile]) -> str:
    """Return the digest of a content: independent of the order in which the files are given."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        digest.update(f"{file.path}\0{file.mode:o}\0{len(file.data)}\0".encode())
        digest.update(file.data)
    return f"sha256:{digest.hexdigest()}"


def _image(name: str, version: str, layers: tuple[str, ...]) -> Image:
    content: dict[str, bytes] = {}
    for layer in layers:
        content.update(_layer(_CONTENT / layer))
    content[f"app/contracts/{_CONTRACT}"] = (contracts_folder() / _CONTRACT).read_bytes()
    files = tuple(ImageFile(path, _mode(data), data) for path, data in sorted(content.items()))
    digest = content_digest(files)
    return Image(name, _TEMPLATE, version, f"{_REPOSITORY}@{digest}", digest, files)


def _layer(folder: Path) -> dict[str, bytes]:
    """Return the files of one layer by container path (without the leading slash)."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _mode(data: bytes) -> int:
    """Return 0755 for programs and 0644 for the rest: by content, since a checkout or a wheel may lose modes."""
    return 0o755 if data.startswith(b"#!") else 0o644
