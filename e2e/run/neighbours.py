"""Being a good neighbour on a platform that is shared: how many tenants of ours may live, and when nobody may boot."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from e2e.clients.control_plane import Organisation
from e2e.clients.errors import PlatformError, Refused, Unavailable
from e2e.clients.http import Exchange
from e2e.run.naming import is_slug_of_ours
from e2e.run.target import TargetRefusal
from e2e.run.waiting import Deadline, Observed, Pacing, WaitExpired, poll_until

MAX_LIVE: Final = 6
"""How many tenants of this harness may be alive at once, the new one included."""
WAIT_FOR_ROOM: Final = 600.0
"""Platform seconds for which a run waits until fewer tenants of ours are alive."""
LOOK_EVERY: Final = 15.0
"""Platform seconds between two looks at how many there are."""
_FREEZE_SECONDS = 10.0
_ABSENT = (204, 404, 410)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The limits of one session. ``freezes`` are files and URLs, any of which keeps everybody from booting."""

    max_live: int = MAX_LIVE
    freezes: tuple[str, ...] = ()


def require_thaw(freezes: tuple[str, ...]) -> None:
    """Make sure that staging is not frozen: no file is there, and no URL answers with a text.

    A freeze that cannot be read counts as one.

    Raises:
        TargetRefusal: it is frozen; the reason is quoted.
    """
    for place in freezes:
        reason = _freeze_at(place)
        if reason is not None:
            raise TargetRefusal(f"{place}: {reason}", "staging-frozen")


def wait_for_room(
    limit: int,
    organisations: Callable[[], list[Organisation]],
    *,
    seconds: float,
    every: float,
    pacing: Pacing,
    say: Callable[[str], None],
) -> None:
    """Wait until fewer than ``limit`` tenants of ours are alive. ``seconds`` and ``every`` are wall seconds.

    Two runs that look at the same moment may both go ahead: the limit is courtesy, not a lock.

    Raises:
        TargetRefusal: there was no room in time, or the control plane could not be asked.
        Interrupted: the run was asked to stop.
    """

    def look() -> Observed[int]:
        try:
            rows = organisations()
        except Refused:
            raise
        except PlatformError as error:
            return Observed(str(error), cause=error.cause)
        ours = [row.slug for row in rows if is_slug_of_ours(row.slug) and row.status != "purged"]
        if len(ours) < limit:
            return Observed("room", value=len(ours) + 1)
        return Observed(f"{len(ours)} tenants of ours are alive, at most {limit} may be: {', '.join(sorted(ours))}")

    deadline = Deadline.after(pacing, seconds)
    try:
        poll_until("room for a tenant", look, deadline=deadline, every=every, pacing=pacing, say=say)
    except Refused as error:
        raise TargetRefusal(str(error), error.cause) from error
    except WaitExpired as error:
        raise TargetRefusal(str(error), error.cause or "too-many-live-tenants") from error


def _freeze_at(place: str) -> str | None:
    """Return why a freeze is on, or None."""
    if place.startswith(("http://", "https://")):
        return _freeze_at_url(place)
    path = Path(place)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it cannot be read ({error.strerror}), and what cannot be read counts as a freeze"
    return text.strip()[:300] or "the file is there"


def _freeze_at_url(url: str) -> str | None:
    cause = "staging-frozen"
    exchange = Exchange(url, headers={}, timeout=_FREEZE_SECONDS, unavailable=cause, refused=cause)
    try:
        answer = exchange.send("GET", "")
    except Unavailable as error:
        return f"{error}; what cannot be read counts as a freeze"
    finally:
        exchange.close()
    if answer.status in _ABSENT or (answer.status == 200 and not answer.body.strip()):
        return None
    if answer.status == 200:
        return answer.body.decode("utf-8", "replace").strip()[:300]
    return f"HTTP {answer.status}; what cannot be read counts as a freeze"
