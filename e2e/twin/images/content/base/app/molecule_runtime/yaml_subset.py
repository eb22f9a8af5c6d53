"""A reader for the part of YAML that config files of workspaces use; the runtime has the standard library only.

Understood: mappings and sequences by indentation, ``- key: value`` items, plain, single- and double-quoted scalars on
one line, ``[a, b]`` and ``{}`` / ``{a: b}`` without nesting, ``|`` and ``>`` blocks, comments, ``null``, booleans and
numbers. Not understood, and said so: anchors, tags, several documents, quoted scalars over several lines. A document
that is JSON is read as JSON.
"""

import json
import re
from typing import NamedTuple

__all__ = ["YamlError", "load"]

_KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"\[\]{},&*!|>%@`-][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+|$)""")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WORDS: dict[str, object] = {"null": None, "~": None, "": None, "true": True, "false": False}


class YamlError(ValueError):
    """The text is not YAML, or not the part of it that is understood; the message names the line."""


class _Line(NamedTuple):
    number: int
    indent: int
    text: str


def load(text: str) -> object:
    """Return the value of ``text``.

    Raises:
        YamlError: the text is outside the subset.
    """
    if text.lstrip().startswith(("{", "[")):
        try:
            document: object = json.loads(text)
        except ValueError as error:
            raise YamlError(f"neither JSON nor plain YAML: {error}") from error
        return document
    raw = text.splitlines()
    reader = _Reader(raw)
    value = reader.block(0)
    reader.expect_end()
    return value


class _Reader:
    def __init__(self, raw: list[str]) -> None:
        self._raw = raw
        self._next = 0

    def expect_end(self) -> None:
        line = self._peek()
        if line is not None:
            raise YamlError(f"line {line.number}: unexpected indentation or text: {line.text!r}")

    def _peek(self) -> _Line | None:
        while self._next < len(self._raw):
            raw = self._raw[self._next]
            text = raw.strip()
            if text and not text.startswith("#") and not (text == "---" and self._next == 0):
                if "\t" in raw[: len(raw) - len(raw.lstrip())]:
                    raise YamlError(f"line {self._next + 1}: a tab in the indentation")
                return _Line(self._next + 1, len(raw) - len(raw.lstrip(" ")), text)
            self._next += 1
        return None

    def block(self, indent: int) -> object:
        """Read the block that starts at the next line, if it is indented by at least ``indent``."""
        line = self._peek()
        if line is None or line.indent < indent:
            return None
        if line.text == "-" or line.text.startswith("- "):
            return self._sequence(line.indent)
        if _KEY.match(line.text):
            return self._mapping(line.indent)
        self._next = line.number
        return _scalar(line.text, line.number)

    def _sequence(self, indent: int) -> list[object]:
        items: list[object] = []
        while (line := self._peek()) is not None and line.indent == indent and (line.text + " ").startswith("- "):
            rest = line.text[1:].lstrip()
            if not rest or rest.startswith("#"):
                self._next = line.number
                items.append(self.block(indent + 1))
            elif _KEY.match(rest) or rest.startswith("- "):
                # The item begins a block of its own on this line: read it as if the dash were indentation.
                column = line.indent + len(line.text) - len(rest)
                self._raw[line.number - 1] = " " * column + rest
                items.append(self.block(column))
            else:
                self._next = line.number
                items.append(self._value(rest, line))
        return items

    def _mapping(self, indent: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while (line := self._peek()) is not None and line.indent == indent:
            match = _KEY.match(line.text)
            if match is None:
                break
            key = str(_scalar(match.group(1), line.number)) if match.group(1)[0] in "\"'" else match.group(1)
            if key in mapping:
                raise YamlError(f"line {line.number}: the key {key!r} stands here twice")
            self._next = line.number
            mapping[key] = self._value(line.text[match.end() :].strip(), line)
        return mapping

    def _value(self, text: str, line: _Line) -> object:
        if text[:1] in ("|", ">"):
            return self._literal(text, line.indent)
        if text and not text.startswith("#"):
            return _scalar(text, line.number)
        following = self._peek()
        if following is not None and following.indent == line.indent and (following.text + " ").startswith("- "):
            # A sequence may stand at the indentation of its key, but not at that of a sequence item.
            return None if line.text.startswith("- ") else self._sequence(line.indent)
        return self.block(line.indent + 1)

    def _literal(self, header: str, parent_indent: int) -> str:
        lines: list[str] = []
        indent: int | None = None
        while self._next < len(self._raw):
            raw = self._raw[self._next]
            here = len(raw) - len(raw.lstrip(" "))
            if raw.strip():
                if here <= parent_indent:
                    break
                indent = here if indent is None else indent
            lines.append(raw[indent:] if indent is not None else "")
            self._next += 1
        while lines and not lines[-1].strip():
            lines.pop()
        body = "\n".join(lines) if header[0] == "|" else " ".join(lines)
        return body if "-" in header or not lines else body + "\n"


def _scalar(text: str, number: int) -> object:
    """Return the value of one scalar or flat flow collection on line ``number``."""
    if text[0] in "\"'":
        return _quoted(text, number)
    if text[0] in "[{":
        return _flow(text, number)
    if text[0] in "&*!%@`":
        raise YamlError(f"line {number}: {text[0]!r} is outside the part of YAML that is understood here")
    plain = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    if plain.lower() in _WORDS:
        return _WORDS[plain.lower()]
    if _NUMBER.fullmatch(plain):
        return float(plain) if any(mark in plain for mark in ".eE") else int(plain)
    return plain


def _quoted(text: str, number: int) -> str:
    match = re.fullmatch(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(#.*)?""", text)
    if match is None:
        raise YamlError(f"line {number}: a quoted text does not end on its line")
    quoted = match.group(1)
    if quoted[0] == "'":
        return quoted[1:-1].replace("''", "'")
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise YamlError(f"line {number}: {error}") from error


def _flow(text: str, number: int) -> object:
    match = re.fullmatch(r"""(\[[^\[\]{}]*\]|\{[^\[\]{}]*\})\s*(#.*)?""", text)
    if match is None:
        raise YamlError(f"line {number}: nested or unfinished brackets")
    inside = match.group(1)[1:-1].strip()
    parts = re.findall(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,])+""", inside) if inside else []
    if text[0] == "[":
        return [_scalar(part.strip(), number) for part in parts if part.strip()]
    mapping: dict[str, object] = {}
    for part in parts:
        key, colon, value = part.strip().partition(": ")
        if not colon:
            raise YamlError(f"line {number}: {part.strip()!r} is not a key with a value")
        mapping[str(_scalar(key.strip(), number))] = _scalar(value.strip(), number) if value.strip() else None
    return mapping
