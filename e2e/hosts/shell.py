"""The one place where shell text is built.

The short way is the safe way: every value goes through a ``%s`` and is quoted; pasting text into a line is not
possible. SSM interpolates ``{{ name }}`` in the commands it is sent (AWS: Systems Manager documents, parameters),
so text that holds a double brace is refused: a value with one has to travel encoded.
"""

import re
import shlex
from typing import LiteralString

_TEMPLATE = re.compile(r"%(.)?", re.DOTALL)


class ShellTextError(ValueError):
    """A value or a line cannot be part of a shell script."""


def quote(value: str) -> str:
    """Return ``value`` as one shell word.

    Raises:
        ShellTextError: the value has a NUL, which no process argument can hold.
    """
    if "\0" in value:
        raise ShellTextError("a NUL byte cannot be passed to a shell")
    return shlex.quote(value)


def line(template: LiteralString, *values: str) -> str:
    """Return ``template`` with each ``%s`` replaced by a quoted value; ``%%`` is a percent sign.

    Raises:
        ShellTextError: a value cannot be quoted, the counts differ, or the template has another ``%``.
    """
    rest = list(values)

    def fill(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        if match[1] != "s":
            raise ShellTextError(f"only %s and %% may stand in a shell template, not {match[0]!r}")
        if not rest:
            raise ShellTextError("a shell template has more %s than values")
        return quote(rest.pop(0))

    text = _TEMPLATE.sub(fill, template)
    if rest:
        raise ShellTextError("a shell template has fewer %s than values")
    return text


def script(*lines: str) -> str:
    """Return the lines as a POSIX shell script.

    Raises:
        ShellTextError: the text holds ``{{`` or ``}}``, which SSM would interpolate or refuse.
    """
    text = "\n".join(("#!/bin/sh", *lines)) + "\n"
    for braces in ("{{", "}}"):
        if braces in text:
            raise ShellTextError(f"{braces} would be interpolated by SSM; encode the value first")
    return text
