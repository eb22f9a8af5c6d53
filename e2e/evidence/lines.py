"""JSON lines on disk: how one is written, and how a file is read whose writer may have died in the middle of a line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from e2e.evidence.masking import Masker


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, its JSON object, or why it is none. ``torn``: the file ends inside it."""

    number: int
    document: Mapping[str, object] | None
    problem: str = ""
    torn: bool = False


def json_line(document: Mapping[str, object], masker: Masker) -> bytes:
    """Return ``document`` masked, as one line of UTF-8 JSON with its newline.

    Raises:
        TypeError, ValueError: it holds something that JSON has no form for, such as bytes or an infinite number.
    """
    return json_bytes(document, masker, indent=None) + b"\n"


def json_bytes(document: object, masker: Masker, *, indent: int | None) -> bytes:
    """Return ``document`` masked, as UTF-8 JSON. Raises as :func:`json_line`."""
    text = json.dumps(masker.mask_json(document), ensure_ascii=False, allow_nan=False, indent=indent)
    # A lone surrogate has no UTF-8; this writes it as the JSON escape \\udXXX that it came from.
    return text.encode("utf-8", "backslashreplace")


def read_lines(data: bytes) -> Iterator[Line]:
    """Give every line of ``data``; only the last can be torn, and a torn line is never given as a document."""
    *whole, rest = data.split(b"\n")
    for number, line in enumerate(whole, start=1):
        yield _parsed(number, line)
    if rest:
        yield Line(len(whole) + 1, None, f"the last line is torn after {len(rest)} bytes", torn=True)


def _parsed(number: int, line: bytes) -> Line:
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return Line(number, None, f"line {number} is not JSON: {error}")
    if not isinstance(document, dict):
        return Line(number, None, f"line {number} is not a JSON object")
    return Line(number, document)
