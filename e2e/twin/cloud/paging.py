"""Pages of a list. A token names the last item given, so that a list which grows meanwhile loses nothing."""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class BadTokenError(Exception):
    """The token is not one that this list gave."""


def page(
    items: Sequence[Item], key: Callable[[Item], str], size: int, token: str | None
) -> tuple[list[Item], str | None]:
    """Return up to ``size`` items after the one that ``token`` names, and the token of the next page if there is one.

    Raises:
        BadTokenError: ``token`` names no item of the list.
    """
    begin = 0
    if token is not None:
        keys = [_token(key(item)) for item in items]
        if token not in keys:
            raise BadTokenError(token)
        begin = keys.index(token) + 1
    chosen = list(items[begin : begin + size])
    more = begin + size < len(items)
    return chosen, _token(key(chosen[-1])) if more and chosen else None


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(f"after:{key}".encode()).decode()
