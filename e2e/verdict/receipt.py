"""The receipt of a session: what was demanded, what was observed, the code that follows. ``run`` believes it alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.verdict.classes import HARNESS_FAILED, INTERRUPTED, OK, UNPROVEN, first_code

RECEIPT_NAME = "session.json"


class ReceiptError(Exception):
    """There is no receipt of this very session, or it cannot be believed."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run as the receipt tells it."""

    run_id: str
    scenario: str
    path: str
    outcome: str
    cause_class: str | None
    cause: str | None
    expectation: str | None
    code: int
    verdict: str | None

    def document(self) -> dict[str, object]:
        """Return the line as it stands in the receipt."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def session_code(
    demanded: Sequence[str],
    runs: Sequence[RunLine],
    *,
    rehearsal: bool,
    require_live: bool,
    interrupted: bool = False,
) -> int:
    """Return the exit code of a session from the scenario files demanded and the runs observed.

    A file that was demanded and not run is 5, as is a session of nothing at all under require-live; a rehearsal that
    would be 0 is 5, because nothing live was proven. An interruption explains files that were not run: 130, and 5
    under require-live.
    """
    codes = [line.code for line in runs]
    observed = {line.path for line in runs}
    if any(path not in observed for path in demanded):
        codes.append(INTERRUPTED if interrupted and not require_live else UNPROVEN)
    if require_live and not runs:
        codes.append(UNPROVEN)
    code = first_code(codes)
    return UNPROVEN if rehearsal and code == OK else code


def receipt_document(
    *,
    session_id: str,
    nonce: str,
    policy: Mapping[str, object],
    demanded: Sequence[str],
    not_applicable: Sequence[str],
    runs: Sequence[RunLine],
    code: int,
    started: str,
    ended: str,
) -> dict[str, object]:
    """Return the receipt as JSON."""
    return {
        "receipt_version": 1,
        "session_id": session_id,
        "nonce": nonce,
        "policy": dict(policy),
        "demanded": list(demanded),
        "not_applicable": list(not_applicable),
        "runs": [line.document() for line in runs],
        "code": code,
        "started": started,
        "ended": ended,
    }


def read_receipt(folder: Path, nonce: str) -> dict[str, Any]:
    """Return the receipt in ``folder`` if this very session wrote it.

    Raises:
        ReceiptError: there is none, it is damaged, or it carries another nonce.
    """
    path = folder / RECEIPT_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReceiptError(f"no receipt: {path} was not written") from error
    except (OSError, ValueError) as error:
        raise ReceiptError(f"the receipt {path} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("nonce") != nonce:
        raise ReceiptError(f"the receipt {path} is not of this session")
    if not isinstance(document.get("code"), int) or not isinstance(document.get("runs"), list):
        raise ReceiptError(f"the receipt {path} lacks its code or its runs")
    return document


def code_of_receipt(document: Mapping[str, Any]) -> int:
    """Return the code that the receipt's own lines stand for; one that says less than its lines is a harness fault."""
    try:
        lines = [int(line["code"]) for line in document["runs"]]
        code = int(document["code"])
        worst = first_code(lines)
    except (KeyError, TypeError, ValueError):
        return HARNESS_FAILED
    return HARNESS_FAILED if code == OK and worst != OK else code
