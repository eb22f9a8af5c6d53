"""Masks secrets in everything that leaves the harness: by value in all their forms, and by look.

This is the second net. The first is that probes project facts and collect no secrets at all.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Final

from e2e.evidence.forms import SHORTEST, forms
from e2e.evidence.secret import MASKED, Secret
from e2e.evidence.shapes import TELLING_NAME, find_shapes, looks_secret
from e2e.evidence.values import ByteFinder

__all__ = ["MASKED", "Masker", "Secret", "SecretTooShortError"]

_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


class SecretTooShortError(ValueError):
    """A secret is too short to be masked by value: the mask would fall on ordinary words."""


class Masker:
    """Knows the secrets of a session; safe to use from several threads."""

    def __init__(self, *, shapes: bool = True) -> None:
        self._finder = ByteFinder()
        self._tokens: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._shapes = shapes

    def add(self, secret: str | Secret, label: str) -> None:
        """Mask ``secret`` from now on, as ``[masked:label]``; lines of one with several are masked one by one as well.

        Raises:
            SecretTooShortError: shorter than 6 characters; the message names the label.
            ValueError: the label is not lower-case words joined by '-'.
        """
        if not _LABEL.fullmatch(label):
            raise ValueError(f"the label {label!r} of a secret must be lower-case words joined by '-'")
        value = secret.reveal() if isinstance(secret, Secret) else secret
        if len(value.strip()) < SHORTEST:
            raise SecretTooShortError(
                f"the secret {label!r} has fewer than {SHORTEST} characters: it cannot be masked by value"
            )
        token = f"[masked:{label}]".encode()
        parts = {value, value.strip(), *(line.strip() for line in value.splitlines())}
        with self._lock:
            for part in parts:
                for form in forms(part) if len(part) >= SHORTEST else ():
                    # A secret that is part of the replacement itself would never go away.
                    self._tokens.setdefault(form, b"[***]" if form in token or form in MASKED.encode() else token)
                    self._finder.add(form)

    def mask(self, text: str) -> str:
        """Return ``text`` with every known or likely secret replaced."""
        return self.mask_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def mask_bytes(self, data: bytes) -> bytes:
        """Return ``data`` with every known or likely secret replaced."""
        spans = [(start, end, self._tokens[string]) for start, end, string in self._finder.find(data)]
        if self._shapes:
            spans += [(start, end, f"[masked:{name}]".encode()) for start, end, name in find_shapes(data)]
        return _replaced(data, spans) if spans else data

    def mask_json(self, value: object) -> object:
        """Return ``value`` as plain JSON data with all secrets in keys and texts replaced.

        Understood are mappings, sequences, sets (sorted), texts, numbers, None, enums, times, paths, :class:`Secret`.

        Raises:
            TypeError: something else is in it; it is named, so that nothing is written half.
        """
        match value:
            case None | bool() | int() | float() if not isinstance(value, Enum):
                return value
            case Secret():
                return MASKED
            case Enum():
                return self.mask_json(value.value)
            case str():
                return self.mask(value)
            case datetime():
                return value.isoformat()
            case PurePath():
                return self.mask(str(value))
            case Mapping():
                return {self.mask(str(key)): self._mask_entry(str(key), item) for key, item in value.items()}
            case bytes() | bytearray() | memoryview():
                raise TypeError("bytes are not JSON: decode them first")
            case Sequence():
                return [self.mask_json(item) for item in value]
            case AbstractSet():
                return sorted((self.mask_json(item) for item in value), key=str)
            case _:
                raise TypeError(f"{type(value).__name__} is not JSON")

    def _mask_entry(self, key: str, value: object) -> object:
        masked = self.mask_json(value)
        if (
            self._shapes
            and isinstance(masked, str)
            and masked == value
            and TELLING_NAME.search(key)
            and looks_secret(masked)
        ):
            return "[masked:named]"
        return masked


def _replaced(data: bytes, spans: list[tuple[int, int, bytes]]) -> bytes:
    """Replace the union of ``spans``: what overlaps becomes one, under the name of its longest member."""
    pieces: list[bytes] = []
    at = 0
    spans.sort(key=lambda span: (span[0], -span[1]))
    index = 0
    while index < len(spans):
        start, end, token = spans[index]
        longest = end - start
        index += 1
        while index < len(spans) and spans[index][0] < end:
            other_start, other_end, other_token = spans[index]
            if other_end - other_start > longest:
                longest, token = other_end - other_start, other_token
            end = max(end, other_end)
            index += 1
        pieces += [data[at:start], token]
        at = end
    pieces.append(data[at:])
    return b"".join(pieces)
