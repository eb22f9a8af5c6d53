"""Where the twin's ids and tokens come from: ids are seeded, tokens never are."""

import random
import secrets
import threading
import uuid


class Identities:
    """Makes ids that repeat with the same ``seed`` and order of calls; tokens are always unpredictable.

    A twin listens on loopback, where other users of the machine can knock: a token that follows from a seed would be
    no token. Ids are only names.
    """

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311  (names, not secrets)
        self._lock = threading.Lock()

    def new_uuid(self) -> str:
        """Return a fresh id in the form of a version 4 UUID."""
        with self._lock:
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    @staticmethod
    def new_token(prefix: str) -> str:
        """Return a fresh bearer token that begins with ``prefix``."""
        return f"{prefix}_{secrets.token_hex(24)}"


def same_token(given: str | None, expected: str) -> bool:
    """Compare two tokens in constant time; an empty or absent one is never right."""
    return bool(given) and bool(expected) and secrets.compare_digest(str(given).encode(), expected.encode())
