"""The catalogue of runtime images: what a container starts from, with a digest computed from the content.

An image is a set of files by container path. It is put together from folders under ``content/``: ``base`` for what
all images share and overlays that replace or add files. The delivery contract is added from where it travels with the
harness, so that there is one copy of it, and so is the metadata by which an installed runtime tells its version. The
digest covers path, mode and bytes of every file, sorted by path, and nothing of the machine: not the time stamps and
modes of a checkout, not what :mod:`e2e.twin.images.rootfs` writes beside the content.
"""

import functools
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
_RUNTIME = "molecule-ai-workspace-runtime"
_REPOSITORY = "registry.molecule.invalid/molecule-ai/workspace-template-claude-code"


_BEFORE_PLUGINS = ("no-plugins", "claude-code-no-tools")
_IMAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (DEFAULT_IMAGE, "2026.6.21", ()),
    ("claude-code-previous", "2026.6.20", ()),
    (BEFORE_FIX_IMAGE, "2026.6.19", ("claude-code-before-fix",)),
    ("claude-code-legacy", "2026.6.17", (*_BEFORE_PLUGINS, "retired-binary", "claude-code-before-fix")),
    ("claude-code-unreported", "2026.6.15", (*_BEFORE_PLUGINS, "retired-binary", "claude-code-unreported")),
    ("claude-code-no-boot-install", "2026.6.16", ("no-boot-install",)),
    ("claude-code-hollow-binary", "2026.6.18", (*_BEFORE_PLUGINS, "hollow-binary")),
    ("claude-code-no-tools", "2026.6.21", ("claude-code-no-tools",)),
    ("claude-code-wrong-mode", "2026.6.21", ("claude-code-wrong-mode",)),
    ("claude-code-other-verb", "2026.6.21", ("claude-code-other-verb",)),
)
"""Name, version and overlays of each image (docs/platform.md, images of the embedded staging). Later overlays win."""


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
    return {name: _image(name, version, ("base", *light, *overlays)) for name, version, overlays in _IMAGES}


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
    metadata = f"app/{_RUNTIME.replace('-', '_')}-{version}.dist-info/METADATA"
    content[metadata] = f"Metadata-Version: 2.1\nName: {_RUNTIME}\nVersion: {version}\n".encode()
    files = tuple(ImageFile(path, _mode(data), data) for path, data in sorted(content.items()))
    digest = content_digest(files)
    return Image(name, _TEMPLATE, version, f"{_REPOSITORY}@{digest}", digest, files)


@functools.cache
def _layer(folder: Path) -> Mapping[str, bytes]:
    """Return the files of one layer by container path (without the leading slash)."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _mode(data: bytes) -> int:
    """Return 0755 for programs and 0644 for the rest: by content, since a checkout or a wheel may lose modes."""
    return 0o755 if data.startswith(b"#!") else 0o644
