"""Holds requests and answers against botocore's service models.

The client checks types, required members and minima only (measured); patterns, enums and maxima are the server's to
check, as the real one does. Our own answers are checked too, but not for minima and patterns: AWS itself answers ``""``
for strings that are not set.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "timestamp": datetime,
    "blob": bytes,
    "structure": Mapping,
    "map": Mapping,
    "list": list,
}


def request_violations(shape: Shape | None, value: Any) -> list[str]:
    """Return what is wrong with a request, in the words of AWS's ValidationException; empty if nothing is."""
    return list(_walk(shape, value, "", strict=True)) if shape is not None else []


def answer_violations(shape: Shape | None, value: Any) -> list[str]:
    """Return where an answer of ours departs from the model: unknown member, type, enum, maximum."""
    if shape is None:
        return [] if not value else ["the operation has no output"]
    return list(_walk(shape, value, "", strict=False))


def _walk(shape: Shape, value: Any, path: str, *, strict: bool) -> Iterator[str]:
    if not _has_type(shape, value):
        yield _failed(value, path, f"Member must be of type {shape.type_name}")
        return
    yield from _limits(shape, value, path, strict=strict)
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path, strict=strict)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            yield from _walk(shape.member, item, f"{path}.{index + 1}.member", strict=strict)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{path}.key", strict=strict)
            yield from _walk(shape.value, item, f"{path}.{key}.member", strict=strict)
    elif isinstance(shape, StringShape):
        yield from _text(shape, value, path, strict=strict)


def _has_type(shape: Shape, value: Any) -> bool:
    if isinstance(value, bool) and shape.type_name != "boolean":
        return False
    return isinstance(value, _PYTHON_TYPES[shape.type_name])


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str, *, strict: bool) -> Iterator[str]:
    for name in shape.required_members if strict else ():
        if value.get(name) is None:
            yield _failed(None, f"{path}.{name}", "Member must not be null")
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            yield _failed(item, f"{path}.{name}", f"{shape.name} has no such member")
        elif item is not None or not strict:
            yield from _walk(member, item, f"{path}.{name}", strict=strict)


def _limits(shape: Shape, value: Any, path: str, *, strict: bool) -> Iterator[str]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    numeric = shape.type_name in {"integer", "long", "float", "double"}
    if not numeric and not hasattr(value, "__len__"):
        return
    size = value if numeric else len(value)
    measure = "value" if numeric else "length"
    if maximum is not None and size > maximum:
        yield _failed(value, path, f"Member must have {measure} less than or equal to {maximum}")
    if strict and minimum is not None and size < minimum:
        yield _failed(value, path, f"Member must have {measure} greater than or equal to {minimum}")


def _text(shape: StringShape, value: str, path: str, *, strict: bool) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    compiled = _compiled(pattern) if strict and pattern else None
    if compiled is not None and not compiled.search(value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    r"""Return the pattern; ``None`` for those that only Java can read (``\p{L}``)."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _failed(value: Any, path: str, constraint: str) -> str:
    name = path.removeprefix(".") or "request"
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{name[:1].lower()}{name[1:]}' failed to satisfy constraint: {constraint}"


def validation_message(violations: list[str]) -> str:
    """Return the message of a ValidationException."""
    count = len(violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(violations)}"
