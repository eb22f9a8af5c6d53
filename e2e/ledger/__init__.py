"""The durable record of what a run created, written before it is created."""

from e2e.ledger.ledger import Ledger, LedgerError, read_ledger
from e2e.ledger.model import CREATED, GONE, INTENDED, KEPT, UNPROVEN, LedgerEntry, LedgerState
from e2e.ledger.pointer import LedgerPointer, OpenLedgers, open_ledgers, owner_alive, pointer_path, state_folder
from e2e.ledger.slug import is_slug_of_ours, new_slug

__all__ = [
    "CREATED",
    "GONE",
    "INTENDED",
    "KEPT",
    "UNPROVEN",
    "Ledger",
    "LedgerEntry",
    "LedgerError",
    "LedgerPointer",
    "LedgerState",
    "OpenLedgers",
    "is_slug_of_ours",
    "new_slug",
    "open_ledgers",
    "owner_alive",
    "pointer_path",
    "read_ledger",
    "state_folder",
]
