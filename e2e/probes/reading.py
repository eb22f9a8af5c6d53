"""Reads an untrusted JSON document field by field: what has the wrong type was not seen."""

from collections.abc import Mapping
from typing import Any

_TEXT_CHARACTERS = 400
_LIST_ITEMS = 400


class Fields:
    """One object of a probe's answer. Every getter returns None (or nothing) for what is missing or malformed."""

    def __init__(self, document: Mapping[str, Any], path: str, errors: dict[str, str]) -> None:
        self._document = document
        self._path = path
        self._errors = errors

    def text(self, key: str) -> str | None:
        """Return a text of at most 400 characters."""
        value = self._document.get(key)
        return value if isinstance(value, str) and len(value) <= _TEXT_CHARACTERS else None

    def one_of(self, key: str, allowed: frozenset[str]) -> str | None:
        """Return a text that is one of ``allowed``."""
        value = self.text(key)
        return value if value in allowed else None

    def number(self, key: str) -> int | None:
        """Return a whole number."""
        value = self._document.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def seconds(self, key: str) -> float | None:
        """Return a duration."""
        value = self._document.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def truth(self, key: str) -> bool | None:
        """Return true or false."""
        value = self._document.get(key)
        return value if isinstance(value, bool) else None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return a list of short texts; one that is something else makes the whole unseen."""
        value = self._document.get(key)
        if not isinstance(value, list) or len(value) > _LIST_ITEMS:
            return None
        if not all(isinstance(item, str) and len(item) <= _TEXT_CHARACTERS for item in value):
            return None
        return tuple(value)

    def part(self, key: str) -> "Fields | None":
        """Return an object below; a part that reports an error is noted under its path and was not seen."""
        value = self._document.get(key)
        path = f"{self._path}.{key}".lstrip(".")
        if not isinstance(value, dict):
            return None
        if set(value) == {"error"}:
            self._errors[path] = str(value["error"])[:_TEXT_CHARACTERS]
            return None
        return Fields(value, path, self._errors)

    def parts(self, key: str) -> "tuple[Fields, ...] | None":
        """Return a list of objects; those that report an error or are none are left out."""
        value = self._document.get(key)
        if not isinstance(value, list):
            self.part(key)  # notes the error if that is what stands here
            return None
        items = [(index, item) for index, item in enumerate(value[:_LIST_ITEMS]) if isinstance(item, dict)]
        path = f"{self._path}.{key}".lstrip(".")
        found: list[Fields] = []
        for index, item in items:
            if set(item) == {"error"}:
                self._errors[f"{path}[{index}]"] = str(item["error"])[:_TEXT_CHARACTERS]
            else:
                found.append(Fields(item, f"{path}[{index}]", self._errors))
        return tuple(found)

    def named_parts(self, key: str) -> "dict[str, Fields]":
        """Return the objects of a mapping by their names."""
        value = self._document.get(key)
        if not isinstance(value, dict):
            return {}
        path = f"{self._path}.{key}".lstrip(".")
        return {
            name: Fields(item, f"{path}.{name}", self._errors)
            for name, item in list(value.items())[:_LIST_ITEMS]
            if isinstance(name, str) and isinstance(item, dict)
        }
