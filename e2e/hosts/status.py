"""Reads the status of an SSM invocation. Unknown is never success.

``StatusDetails`` decides before ``Status``; AWS writes it in two styles ("Delivery Timed Out", "DeliveryTimedOut"),
so it is normalised first (AWS: Run Command, understanding command statuses).
"""

from dataclasses import dataclass
from enum import Enum

KILLED_RESPONSE_CODE = 137
NEVER_STARTED_RESPONSE_CODE = -1


class Outcome(Enum):
    """What an invocation came to, in the harness's own words."""

    WAITING = "waiting for delivery"
    RUNNING = "delivered or running"
    CANCELLING = "being cancelled"
    SUCCEEDED = "ended with 0"
    FAILED = "ended with an error"
    KILLED = "killed on the host"
    UNDELIVERABLE = "undeliverable"
    DELIVERY_TIMED_OUT = "delivery timed out"
    EXECUTION_TIMED_OUT = "execution timed out"
    CANCELLED = "cancelled"
    REFUSED = "access denied"
    RATE_EXCEEDED = "rate exceeded"
    NOT_APPLICABLE = "not meant for this machine"
    UNKNOWN = "not understood"

    @property
    def is_final(self) -> bool:
        """Whether SSM will not change it any more. *Cancelling* is not final; an unknown one has to be."""
        return self not in {Outcome.WAITING, Outcome.RUNNING, Outcome.CANCELLING}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one invocation: the outcome, and the triple it was read from."""

    outcome: Outcome
    status: str
    details: str
    response_code: int | None

    def __str__(self) -> str:
        code = "-" if self.response_code is None else self.response_code
        return f"Status={self.status or '-'} StatusDetails={self.details or '-'} ResponseCode={code}"


# Normalised StatusDetails -> the Status values it may come with, and what it means.
_OPEN = frozenset({"pending", "inprogress", "delayed", "cancelling"})
_ENDED = frozenset({"success", "failed", "timedout", "cancelled"})
_BAD_END = _ENDED - {"success"}
_TABLE: dict[str, tuple[frozenset[str], Outcome]] = {
    "pending": (frozenset({"pending", "inprogress"}), Outcome.WAITING),
    "delayed": (frozenset({"delayed", "inprogress", "pending"}), Outcome.WAITING),
    "inprogress": (frozenset({"inprogress"}), Outcome.RUNNING),
    "cancelling": (frozenset({"cancelling"}), Outcome.CANCELLING),
    "success": (frozenset({"success"}), Outcome.SUCCEEDED),
    "failed": (frozenset({"failed"}), Outcome.FAILED),
    "undeliverable": (_BAD_END, Outcome.UNDELIVERABLE),
    "deliverytimedout": (_BAD_END, Outcome.DELIVERY_TIMED_OUT),
    "executiontimedout": (_BAD_END, Outcome.EXECUTION_TIMED_OUT),
    "cancelled": (_BAD_END, Outcome.CANCELLED),
    "accessdenied": (_BAD_END, Outcome.REFUSED),
    "rateexceeded": (_BAD_END, Outcome.RATE_EXCEEDED),
    "terminated": (_BAD_END, Outcome.NOT_APPLICABLE),
    "invalidplatform": (_BAD_END, Outcome.NOT_APPLICABLE),
    "noinstancesintag": (_BAD_END, Outcome.NOT_APPLICABLE),
    "incomplete": (_BAD_END, Outcome.NOT_APPLICABLE),
}


def normalise(word: str) -> str:
    """Return a status word without spaces, in lower case, in one spelling of *cancelled*."""
    compact = "".join(word.split()).lower()
    return compact.replace("canceled", "cancelled").replace("canceling", "cancelling")


def read_status(
    status: str,
    details: str | None,
    response_code: int | None,
    *,
    elapsed_seconds: float | None = None,
    execution_seconds: float | None = None,
) -> Reading:
    """Read one invocation.

    ``elapsed_seconds`` (how long it ran) and ``execution_seconds`` (what it was allowed), in the same seconds, tell an
    execution timeout from a command that was killed: SSM reports every exit code 137, an out-of-memory kill as well,
    as timed out.
    """
    plain_status, plain_details = normalise(status), normalise(details or "")
    if not plain_details and plain_status in _OPEN:
        # Seen right after a send, before the details are filled in.
        plain_details = plain_status
    outcome = Outcome.UNKNOWN
    known = _TABLE.get(plain_details)
    if known is not None and plain_status in known[0]:
        outcome = known[1]
    if outcome is Outcome.SUCCEEDED and response_code not in {0, None}:
        outcome = Outcome.UNKNOWN
    if outcome is Outcome.FAILED and response_code == KILLED_RESPONSE_CODE:
        outcome = Outcome.KILLED
    if (
        outcome is Outcome.EXECUTION_TIMED_OUT
        and elapsed_seconds is not None
        and execution_seconds is not None
        and elapsed_seconds < 0.8 * execution_seconds
    ):
        outcome = Outcome.KILLED
    return Reading(outcome, status, details or "", response_code)
