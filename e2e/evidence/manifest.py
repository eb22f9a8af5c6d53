"""The manifest of a bundle: every file with its hash, each entry chained to the one before."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"
_START: Final = "0" * 64
_BLOCK: Final = 1024 * 1024


def manifest_of(folder: Path) -> dict[str, object]:
    """Return the manifest of what is in ``folder`` now.

    An entry's ``chain`` is the sha256 over the previous chain value, path, size and hash: no entry can be taken out,
    put in or moved without changing the last one. Raises OSError; ValueError where something is not a plain file.
    """
    entries: list[dict[str, object]] = []
    chain = _START
    for name in _files(folder):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{name} in the bundle {folder} is not a plain file")
        digest, size = _digest(path)
        chain = _link(chain, name, size, digest)
        entries.append({"path": name, "size": size, "sha256": digest, "chain": chain})
    return {"version": 1, "algorithm": "sha256", "files": entries, "chain": chain}


def verify(folder: Path) -> list[str]:
    """Return what is wrong with the bundle in ``folder``: files missing, changed or added, a broken chain."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
        entries, last = list(document["files"]), document["chain"]
        problems, listed = _verify_entries(folder, entries, last)
    except OSError as error:
        return [f"{MANIFEST} cannot be read: {error.strerror or error}"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return [f"{MANIFEST} is not a manifest: {error}"]
    problems += [f"{name}: not in the manifest" for name in _files(folder) if name not in listed]
    return problems


def _verify_entries(folder: Path, entries: list[Any], last: object) -> tuple[list[str], set[str]]:
    problems: list[str] = []
    chain = _START
    listed: set[str] = set()
    for entry in entries:
        name, size, digest = str(entry["path"]), int(entry["size"]), str(entry["sha256"])
        chain = _link(chain, name, size, digest)
        if entry["chain"] != chain:
            problems.append(f"{name}: the chain of the manifest is broken here")
            chain = str(entry["chain"])
        if name in listed:
            problems.append(f"{name}: listed twice")
        listed.add(name)
        problems += _verify_file(folder, name, size, digest)
    if last != chain:
        problems.append(f"{MANIFEST}: it does not end where its chain does")
    return problems, listed


def _verify_file(folder: Path, name: str, size: int, digest: str) -> list[str]:
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts or path.is_symlink():
        return [f"{name}: not a file of this bundle"]
    if not path.is_file():
        return [f"{name}: missing"]
    if _digest(path) != (digest, size):
        return [f"{name}: changed since the bundle was sealed"]
    return []


def _link(chain: str, name: str, size: int, digest: str) -> str:
    return hashlib.sha256(json.dumps([chain, name, size, digest]).encode()).hexdigest()


def _digest(path: Path) -> tuple[str, int]:
    hashed = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
            size += len(block)
    return hashed.hexdigest(), size


def _files(folder: Path) -> list[str]:
    """Return the names of everything below ``folder`` but folders and the manifest itself, sorted, with ``/``."""
    names = []
    for where, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(where) / name).is_symlink()]
        names += [(Path(where) / name).relative_to(folder).as_posix() for name in files + links]
    return sorted(name for name in names if name != MANIFEST)
