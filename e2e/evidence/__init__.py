"""What was seen, as saved: events, bundles and masking."""

from e2e.evidence.bundle import Bundle
from e2e.evidence.events import (
    Event,
    EventLog,
    EventLogContents,
    EventLogDamage,
    EventLogError,
    read_event_log,
    read_events,
)
from e2e.evidence.masking import MASKED, Masker, Secret, SecretTooShortError

__all__ = [
    "MASKED",
    "Bundle",
    "Event",
    "EventLog",
    "EventLogContents",
    "EventLogDamage",
    "EventLogError",
    "Masker",
    "Secret",
    "SecretTooShortError",
    "read_event_log",
    "read_events",
]
