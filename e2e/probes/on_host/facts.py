"""The narrow patterns that a piece of text must fit before it may leave the host."""

import json
import re
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ODD = "(odd)"
"""Stands for a name that was there but did not fit its pattern."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
COMMAND = re.compile(r"[A-Za-z0-9_./@+-]{1,200}")
IMAGE = re.compile(r"[A-Za-z0-9_./:@-]{1,300}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HEXADECIMAL = re.compile(r"[0-9a-f]{12,64}")
WORD = re.compile(r"[a-z][a-z_-]{0,39}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLUGIN_SOURCE = re.compile(r"[a-z]{1,16}://[A-Za-z0-9._/-]{1,200}(#[A-Za-z0-9._/-]{1,80})?")
CLASS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
_DEPTH_LIMIT = 64


class Unusable(Exception):
    """A document cannot be used; the text is one of the states a fact may have."""


def fitting(pattern: "re.Pattern[str]", value: object) -> str | None:
    """Return ``value`` if it is text that fits ``pattern`` as a whole, else None."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def names(pattern: "re.Pattern[str]", values: Any, limit: int = 60) -> "list[str]":
    """Return the names among ``values``, sorted, the odd ones as ``(odd)``, at most ``limit``."""
    return sorted(fitting(pattern, value) or ODD for value in values)[:limit]


def number(value: object) -> int | None:
    """Return ``value`` if it is a whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def truth(value: object) -> bool | None:
    """Return ``value`` if it is true or false, else None."""
    return value if isinstance(value, bool) else None


def class_name(error: BaseException) -> str:
    """Return the name of an error's class; its text may quote what was read and stays here."""
    return fitting(CLASS_NAME, type(error).__name__) or "Exception"


def part(look: "Callable[[], Any]") -> Any:
    """Return what ``look`` finds, or ``{"error": <class>}``: one part that fails leaves the others whole."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - the border of one part; only the class may leave
        return {"error": class_name(error)}


def together(**looks: "Callable[[], Any]") -> "dict[str, Any]":
    """Return what each look finds, taken at the same time: most of a look is waiting for docker."""
    found: dict[str, Any] = {}

    def take(name: str, look: "Callable[[], Any]") -> None:
        found[name] = part(look)

    threads = [threading.Thread(target=take, args=item, daemon=True) for item in looks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: found[name] for name in looks}


def parse_object(content: bytes, limit: int) -> "tuple[dict[str, Any], list[str]]":
    """Parse untrusted JSON to an object and the names of its repeated keys.

    Raises:
        Unusable: ``too_large``, ``empty``, ``bad_encoding``, ``malformed`` or ``not_an_object``.
    """
    if len(content) > limit:
        raise Unusable("too_large")
    if not content.strip():
        raise Unusable("empty")
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Unusable("bad_encoding")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Unusable("bad_encoding") from None
    if depth(text) > _DEPTH_LIMIT:
        raise Unusable("malformed")
    repeated: list[str] = []

    def collect(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
        document = dict(pairs)
        if len(document) != len(pairs):
            keys = [key for key, _ in pairs]
            repeated.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return document

    try:
        document = json.loads(text, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        raise Unusable("malformed") from None
    if not isinstance(document, dict):
        raise Unusable("not_an_object")
    return document, names(NAME, repeated, 10)


def depth(text: str) -> int:
    """Return how deep JSON text nests, without parsing it: brackets inside strings do not count."""
    deepest = level = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        first = token[0][0]
        if first in "[{":
            level += 1
            deepest = max(deepest, level)
        elif first in "]}":
            level -= 1
    return deepest
