"""Names of what a run creates: unique, within the platform's rules, and telling whose they are."""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

SLUG_PREFIX = "e2e-boot-"
"""Every tenant of ours begins with this; the platform's own sweeper knows ``e2e-`` (docs/platform.md, sweeps)."""
_SLUG = re.compile(r"^e2e-boot-[0-9a-f]{8}-[0-9a-f]{8}$")


def new_slug(run_id: str, random_hex: Callable[[int], str] = secrets.token_hex) -> str:
    """Return a tenant slug for this run; 26 characters, where the platform allows 32."""
    return f"{SLUG_PREFIX}{hashlib.sha256(run_id.encode()).hexdigest()[:8]}-{random_hex(4)}"


def is_slug_of_ours(slug: str) -> bool:
    """Whether a slug has the layout that only this harness gives."""
    return _SLUG.match(slug) is not None


def organisation_name(slug: str, run_id: str, expires: datetime) -> str:
    """Return the display name of a tenant: it carries slug, run and expiry for whoever finds it."""
    return f"E2E {slug} run={run_id} expires={expires.strftime('%Y-%m-%dT%H:%M:%SZ')}"


def expiry(created: datetime) -> datetime:
    """Return when a tenant of ours may be taken away by anybody: the platform's sweeper does after 30 minutes."""
    return created + timedelta(minutes=29)


def worker_name(by: str, random_hex: Callable[[int], str] = secrets.token_hex) -> str:
    """Return a unique workspace name; ``by`` is ``agent`` or ``probe``. At most 48 characters."""
    return f"e2e-cncrg-{by}-{random_hex(6)}"
