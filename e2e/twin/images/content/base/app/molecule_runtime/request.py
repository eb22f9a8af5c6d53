"""Reads plain English for the stand-in of the model: whether a workspace is asked for, and which one."""

import re
from collections.abc import Container
from typing import NamedTuple

__all__ = ["CreateRequest", "asks_for_tools", "read_create_request"]

_OPEN = "[\"'`\u201c\u2018\u00ab]"
_CLOSE = "[\"'`\u201d\u2019\u00bb]"
_INSIDE = "([^\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\\n]+)"
_VERB = re.compile(r"\b(creat\w*|provision\w*|make|set up|spin up|add)\b|(create|provision)_workspace", re.IGNORECASE)
_UP_TO_QUOTE = "[^\"'`\u201c\u2018\u00ab\\n]{0,40}?"
_QUOTED_NAMES = (
    re.compile(rf"\b(?:named|called)\b{_CLOSE}?{_UP_TO_QUOTE}{_OPEN}{_INSIDE}{_CLOSE}", re.IGNORECASE),
    re.compile(rf"\bname\b{_CLOSE}?{_UP_TO_QUOTE}{_OPEN}{_INSIDE}{_CLOSE}", re.IGNORECASE),
)
_PLAIN_NAMES = (
    re.compile(r"\b(?:named|called)\s+(?:exactly\s+|it\s+)?([\w][\w.-]*)", re.IGNORECASE),
    re.compile(r"\bname(?:\s+is|\s+of|\s*[:=])\s*([\w][\w.-]*)", re.IGNORECASE),
)
_MODELS = (
    re.compile(rf"\bmodel\b{_CLOSE}?{_UP_TO_QUOTE}{_OPEN}{_INSIDE}{_CLOSE}", re.IGNORECASE),
    re.compile(r"\bmodel\b[^\"'`\n]{0,20}?\s([\w.:-]+/[\w./:-]*\w)", re.IGNORECASE),
)
_TOOLS_QUESTION = re.compile(
    r"\b(what|which|list|name|show|enumerate)\b.*\btools?\b|\btools?\b.*\b(do you have|available|can you use)\b",
    re.IGNORECASE | re.DOTALL,
)


class CreateRequest(NamedTuple):
    """A request for a workspace as it was understood."""

    name: str
    model: str | None


def read_create_request(text: str, not_names: Container[str] = ()) -> CreateRequest | None:
    """Return what workspace ``text`` asks for; ``None`` if it does not ask for one by name.

    A name in quotes is taken before one without; ``not_names`` (the names of tools) are never a workspace's name.
    """
    if not _VERB.search(text) or "workspace" not in text.lower():
        return None
    name = _first(text, (*_QUOTED_NAMES, *_PLAIN_NAMES), not_names)
    return CreateRequest(name, _first(text, _MODELS, ())) if name else None


def asks_for_tools(text: str) -> bool:
    """Say whether ``text`` asks which tools there are."""
    return _TOOLS_QUESTION.search(text) is not None


def _first(text: str, patterns: tuple[re.Pattern[str], ...], excluded: Container[str]) -> str | None:
    for pattern in patterns:
        for match in pattern.finditer(text):
            found = match.group(1).strip().rstrip(".")
            if found and found not in excluded:
                return found
    return None
