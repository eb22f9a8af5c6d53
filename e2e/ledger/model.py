"""What a ledger says: entries and their states, as replayed from its lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

INTENDED: Final = "intended"
CREATED: Final = "created"
GONE: Final = "gone"
UNPROVEN: Final = "unproven"
KEPT: Final = "kept"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One resource: ``intended`` before the create call, ``created`` once its identity is known, ``gone`` at the end.

    ``unproven``: it may still be there. ``kept``: left on request. An intent that never got an identity may have been
    carried out all the same; only proven absence makes it ``gone``.
    """

    id: str
    kind: str
    name: str
    state: str = INTENDED
    identity: str | None = None
    proof: str | None = None
    reason: str | None = None
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def settled(self) -> bool:
        """True if nothing of it is left and that is proven."""
        return self.state == GONE


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A whole ledger; ``opened`` is its first line (owner, slug, control plane), ``damage`` what could not be read."""

    opened: Mapping[str, object]
    entries: tuple[LedgerEntry, ...]
    closed: bool
    damage: tuple[str, ...]

    @property
    def leftovers(self) -> tuple[LedgerEntry, ...]:
        """The entries of which something may still be there."""
        return tuple(entry for entry in self.entries if not entry.settled)


def advance(entry: LedgerEntry, what: str, details: Mapping[str, object]) -> LedgerEntry | None:
    """Return ``entry`` after the step ``what``, or None if there is no such step with these details."""
    match what, details:
        case "created", {"identity": str(identity)}:
            return replace(entry, state=CREATED, identity=identity)
        case "gone", {"proof": str(proof)}:
            return replace(entry, state=GONE, proof=proof, reason=None)
        case "unproven", {"reason": str(reason)}:
            return replace(entry, state=UNPROVEN, reason=reason)
        case "kept", {"data": dict(data)}:
            return replace(entry, state=KEPT, data=MappingProxyType({**entry.data, **data}))
        case _:
            return None


def replay(documents: Iterable[Mapping[str, object]], damage: Iterable[str] = ()) -> LedgerState:
    """Return what the lines of a ledger add up to; one that makes no sense is added to the damage, never an error."""
    opened: Mapping[str, object] = MappingProxyType({})
    entries: dict[str, LedgerEntry] = {}
    closed = False
    problems = list(damage)
    for document in documents:
        closed = False
        match document:
            case {"what": "opened", **rest}:
                opened = MappingProxyType(rest)
            case {"what": "closed"}:
                closed = True
            case {"what": "left_open"}:
                pass
            case {"what": "intent", "entry": str(entry), "kind": str(kind), "name": str(name), "data": dict(data)}:
                if entry in entries:
                    problems.append(f"entry {entry} begins twice")
                else:
                    entries[entry] = LedgerEntry(entry, kind, name, data=MappingProxyType(data))
            case {"what": str(what), "entry": str(entry)} if entry in entries:
                moved = advance(entries[entry], what, document)
                if moved is None:
                    problems.append(f"entry {entry} has a step {what!r} that makes no sense")
                else:
                    entries[entry] = moved
            case _:
                problems.append(f"{document.get('what')!r} of {document.get('entry')!r} is not a step of a ledger")
    return LedgerState(opened, tuple(entries.values()), closed, tuple(problems))
