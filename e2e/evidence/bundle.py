"""The bundle of a run: one folder with everything that was seen, masked, and sealed with hashes at the end."""

import json
import re
from pathlib import Path
from typing import Final

from e2e.evidence.files import write_atomic
from e2e.evidence.lines import json_bytes
from e2e.evidence.manifest import MANIFEST, manifest_of, verify
from e2e.evidence.masking import Masker

MAX_TEXT_BYTES: Final = 4 * 1024 * 1024
"""The longest text kept in one piece; a bundle has a budget of 50 MB."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_EVIDENCE: Final = "evidence"


class Bundle:
    """Writes one bundle. References that it returns are relative to its folder, with ``/``."""

    def __init__(self, folder: Path, *, masker: Masker) -> None:
        self.folder = folder
        self._masker = masker

    @classmethod
    def create(cls, folder: Path, *, masker: Masker) -> "Bundle":
        """Make a new bundle in ``folder``.

        Raises:
            FileExistsError: something is in the folder already; a bundle belongs to one run.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsError(
                f"{folder} is not empty: a bundle belongs to one run; choose another --out or E2E_RUN_ID"
            )
        (folder / _EVIDENCE).mkdir()
        return cls(folder, masker=masker)

    def write_json(self, name: str, document: object) -> str:
        """Save ``document`` as evidence ``name`` (``.json`` is added where missing) and return the reference to it.

        Raises:
            FileExistsError: evidence is never written over.
            TypeError, ValueError: not JSON; or ``name`` is not a plain file name.
        """
        name = name if name.endswith(".json") else f"{name}.json"
        return self._new_evidence(name, json_bytes(document, self._masker, indent=2) + b"\n")

    def write_text(self, name: str, text: str, *, limit: int = MAX_TEXT_BYTES) -> str:
        """Save ``text`` as evidence ``name`` and return the reference to it.

        Beyond ``limit`` bytes it is cut in the middle, and says so there.

        Raises:
            FileExistsError: evidence is never written over.
            ValueError: ``name`` is not a plain file name.
        """
        data = self._masker.mask(text).encode("utf-8", "backslashreplace")
        if len(data) > limit:
            head, tail = data[: limit // 2], data[len(data) - limit // 2 :]
            cut = f"\n[cut: {len(data) - len(head) - len(tail)} bytes are left out here]\n"
            data = head + cut.encode() + tail
        return self._new_evidence(name, data)

    def write_record(self, name: str, document: object) -> str:
        """Put ``document`` at the top of the bundle, as ``verdict.json``, durably, over an older one; return its name.

        Raises:
            TypeError, ValueError: not JSON; or ``name`` is not a plain file name.
        """
        write_atomic(self.folder / _checked(name), json_bytes(document, self._masker, indent=2) + b"\n", durable=True)
        return name

    def seal(self) -> None:
        """Write ``manifest.json`` over what is in the bundle now; what comes later breaks it until sealed again."""
        data = json.dumps(manifest_of(self.folder), indent=1).encode() + b"\n"
        write_atomic(self.folder / MANIFEST, data, durable=True)

    @staticmethod
    def verify(folder: Path) -> list[str]:
        """Return what is wrong with the sealed bundle in ``folder``; an empty list: nothing."""
        return verify(folder)

    def _new_evidence(self, name: str, data: bytes) -> str:
        path = self.folder / _EVIDENCE / _checked(name)
        if path.exists():
            raise FileExistsError(f"evidence {name} is there already and is never written over")
        write_atomic(path, data)
        return f"{_EVIDENCE}/{name}"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or name == MANIFEST:
        raise ValueError(f"{name!r} is no name for a file of a bundle: letters, digits, '.', '_' and '-'")
    return name
