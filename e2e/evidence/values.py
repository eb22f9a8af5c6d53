"""Finds known byte strings in a text, many at once and fast.

A secret has many forms, so twenty secrets are hundreds of strings; one regular expression of them all runs at a few
MB/s, since every position is tried against every string. Here the text is read in aligned words of 8 bytes (4 for short
strings), and each word is looked up among the words that the strings can put there. A string of at least 15 (7) bytes
covers one aligned word wholly, wherever it stands, so none is missed; what is hit is then compared exactly.
"""

import sys
from collections.abc import Iterator
from typing import Final

_LONG: Final = 8
_SHORT: Final = 4


class ByteFinder:
    """The known strings: added over time, never taken away. Adding and finding may happen in different threads."""

    def __init__(self) -> None:
        self._words: dict[int, dict[int, tuple[tuple[bytes, int], ...]]] = {_LONG: {}, _SHORT: {}}
        self._tiny: list[bytes] = []
        self._known: set[bytes] = set()

    def add(self, string: bytes) -> None:
        """Look for ``string`` from now on; an empty one is refused with ValueError."""
        if not string:
            raise ValueError("an empty string is everywhere")
        if string in self._known:
            return
        self._known.add(string)
        size = next((size for size in (_LONG, _SHORT) if len(string) >= 2 * size - 1), 0)
        if not size:
            self._tiny.append(string)
            return
        words = self._words[size]
        # The aligned word that is met first lies within the first 2 * size - 1 bytes, so only those need entries.
        for offset in range(size):
            word = int.from_bytes(string[offset : offset + size], sys.byteorder)
            words[word] = (*words.get(word, ()), (string, offset))

    def find(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Return ``(start, end, string)`` of every occurrence of every string, overlapping ones too, sorted."""
        found = set(self._find_tiny(data))
        for size, words in self._words.items():
            if words and len(data) >= size:
                found.update(self._find_words(data, size, words))
        return sorted(found)

    def _find_tiny(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        for string in self._tiny:
            start = data.find(string)
            while start >= 0:
                yield start, start + len(string), string
                start = data.find(string, start + 1)

    @staticmethod
    def _find_words(
        data: bytes, size: int, words: dict[int, tuple[tuple[bytes, int], ...]]
    ) -> Iterator[tuple[int, int, bytes]]:
        whole = len(data) - len(data) % size
        numbers = memoryview(data)[:whole].cast("Q" if size == _LONG else "I")
        if words.keys().isdisjoint(numbers):
            return
        hits = [index for index, number in enumerate(numbers) if number in words]
        for index in hits:
            for string, offset in words[numbers[index]]:
                start = index * size - offset
                if start >= 0 and data.startswith(string, start):
                    yield start, start + len(string), string
