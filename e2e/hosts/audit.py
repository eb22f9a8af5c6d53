"""The audit trail of commands: what was sent to which host and what became of it, without any content."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeAlias

Audit: TypeAlias = Callable[[Mapping[str, object]], None]
"""Takes one record; a record is plain JSON."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One command on one host. Times are true UTC, durations wall seconds by the harness's clock.

    ``outcome`` is ours: ``answered``, or the name of the error that stands for the host; ``how_confirmed`` says
    whether the command's id came with the answer or was looked up by its nonce.
    """

    command_id: str | None
    nonce: str
    instance_id: str
    comment: str
    text_sha256: str
    text_bytes: int
    sent_at: str
    ended_at: str
    seconds: float
    how_confirmed: str
    status: str | None
    status_details: str | None
    response_code: int | None
    output_bytes: int
    error_bytes: int
    polls: int
    cancelled: str | None
    delivery_seconds: int
    execution_seconds: int
    outcome: str

    def document(self) -> dict[str, object]:
        """Return the record as plain JSON, marked as what it is."""
        return {"record": "ssm-command", **asdict(self)}


def text_hash(text: str) -> str:
    """Return the sha256 of a command's text, so that a record can be matched with what CloudTrail shows."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
