"""The slug of the tenant that a run creates, and how it is known again."""

import hashlib
import re
from collections.abc import Callable
from typing import Final

_LAYOUT: Final = re.compile(r"e2e-boot-[0-9a-f]{8}-[0-9a-f]{8}")


def new_slug(run_id: str, random_bytes: Callable[[int], bytes]) -> str:
    """Return ``e2e-boot-<8 hex of the run id's sha256>-<8 random hex>``; ``random_bytes`` is ``os.urandom``.

    26 characters, of 32 allowed. The head ``e2e-`` makes the platform's own sweepers take it after 30 minutes
    (docs/platform.md, slug rules).
    """
    return f"e2e-boot-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}-{random_bytes(4).hex()}"


def is_slug_of_ours(slug: str, run_id: str | None = None) -> bool:
    """True if ``slug`` has the layout of this harness and, where ``run_id`` is given, belongs to that run."""
    if not _LAYOUT.fullmatch(slug):
        return False
    return run_id is None or slug.startswith(f"e2e-boot-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}-")
