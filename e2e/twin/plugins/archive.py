"""Plugin repositories as a forge (Gitea) delivers them: one tar.gz per repository and ref, with one top folder."""

import gzip
import io
import tarfile
from pathlib import Path

from e2e.contract import load_contract

__all__ = ["plugin_archive"]

_CONTENT = Path(__file__).resolve().parent / "content"


def plugin_archive(owner: str, repository: str, ref: str) -> bytes | None:
    """Return the archive of a repository at ``ref``, or ``None`` where the forge would answer 404.

    Owner and ref are those of the delivery contract's plugin source. The same content always gives the same bytes.

    Raises:
        ContractError: the delivery contract cannot be read.
    """
    location, _, known_ref = load_contract().plugin_source.removeprefix("gitea://").partition("#")
    known_owner = location.partition("/")[0]
    folders = {path.name: path for path in _CONTENT.iterdir() if path.is_dir()}
    if owner != known_owner or ref != known_ref or repository not in folders:
        return None
    return _archive(folders[repository])


def _archive(folder: Path) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (folder, *sorted(folder.rglob("*"))):
            member = tarfile.TarInfo(path.relative_to(folder.parent).as_posix())
            if path.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
            else:
                data = path.read_bytes()
                member.size, member.mode = len(data), 0o644
                tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()
