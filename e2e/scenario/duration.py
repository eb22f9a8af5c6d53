"""Durations as people write them in a scenario: ``240s``, ``15m``, ``1h``."""

import re
from typing import Final

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smh])")


def seconds(text: str) -> float:
    """Return the seconds that ``text`` means.

    Raises:
        ValueError: not a number with one of the units s, m, h.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"bad duration {text!r}: a number with a unit, such as 240s, 15m or 1h")
    return float(match[1]) * _UNITS[match[2]]


def number_text(value: float) -> str:
    """Return ``value`` without a trailing ``.0``, as a command line shows it."""
    return str(int(value)) if value == int(value) else str(value)
