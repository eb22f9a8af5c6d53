"""The receipt of a session: what was demanded, what was observed, the code that follows. ``run`` believes it alone."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    not_applicable: Sequence[str] = (),
    interrupted: bool = False,
) -> int:
    """Return the exit code of a session from the scenario files demanded and the runs observed.

    A file that was demanded more often than it was run is 5. So is a session of nothing at all: under require-live in
    any case, else unless there were files and none of them applies to the target. A rehearsal that would be 0 is 5,
    because nothing live was proven. An interruption explains files that were not run: 130, and 5 under require-live.
    """
    codes = [line.code for line in runs]
    if _not_run(demanded, [line.path for line in runs]):
        codes.append(INTERRUPTED if interrupted and not require_live else UNPROVEN)
    if not runs and (require_live or not not_applicable):
        codes.append(INTERRUPTED if interrupted and not require_live else UNPROVEN)
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
    remarks: Sequence[str] = (),
) -> dict[str, object]:
    """Return the receipt as JSON. ``remarks`` explain a code that the runs alone do not explain."""
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
        "remarks": list(remarks),
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
    """Return the code of a receipt if its own lines bear it out; one that says less than its lines is a harness fault.

    So is one with a code outside the table, with a line that is green and says otherwise, or with a file that was
    demanded and has no line.
    """
    try:
        code, lines, policy = document["code"], document["runs"], document["policy"]
        demanded, others = list(document["demanded"]), list(document["not_applicable"])
        complete = bool(lines or others) and not _not_run(demanded, [line["path"] for line in lines])
        held_back = policy["rehearse"] or (policy["require_live"] and not lines)
        believable = _is_code(code) and all(_agrees_with_itself(line) for line in lines)
        winning = first_code([code, *(line["code"] for line in lines)])
    except (KeyError, TypeError, ValueError):
        return HARNESS_FAILED
    if not believable or winning != code:
        return HARNESS_FAILED
    return HARNESS_FAILED if code == OK and (held_back or not complete) else int(code)


def _not_run(demanded: Iterable[str], run: Iterable[str]) -> bool:
    """Whether a file was demanded more often than it was run."""
    return bool(Counter(demanded) - Counter(run))


def _agrees_with_itself(line: Mapping[str, Any]) -> bool:
    """Whether a line has code 0 exactly where its outcome is one that earns it."""
    code, met = line["code"], line["expectation"]
    green = met == "met" or (met is None and line["outcome"] in ("proven", "skipped"))
    return _is_code(code) and (code == OK) == green


def _is_code(code: object) -> bool:
    return isinstance(code, int) and not isinstance(code, bool)
