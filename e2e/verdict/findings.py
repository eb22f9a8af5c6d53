"""What a run found, read back from its event log alone: the only thing that diagnosis ever sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class EventLike(Protocol):
    """An event as the log has it."""

    @property
    def seq(self) -> int:
        """Position in the log."""

    @property
    def kind(self) -> str:
        """What kind of event it is."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What was written."""


@dataclass(frozen=True, slots=True)
class StageEnd:
    """How a stage ended, and where the log says so."""

    name: str
    state: str
    saying: str
    cause: str | None
    reference: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line of the registry log that refuses the concierge: where it stands, and the reason it names."""

    position: int
    time: str | None
    core: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class LookSeen:
    """The projected facts of one look. A part that was not seen is None, which is never read as absent."""

    number: int
    trigger: str
    evidence: str
    settings: Mapping[str, Any] | None
    presence: str | None
    reads_present: bool | None
    registry: Mapping[str, Any] | None
    launch: Mapping[str, Any] | None
    concierge: Mapping[str, Any] | None

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The refusals of the concierge in the registry log, in the order of the log."""
        rows = self.registry.get("refusals", []) if self.registry else []
        return tuple(Refusal(int(r["position"]), r.get("time"), str(r["core"]), r.get("reason")) for r in rows)

    @property
    def wired(self) -> bool | None:
        """Whether the contract's server is under the contract's key; None if the settings were not seen."""
        if self.settings is None:
            return None
        return bool(self.settings.get("entry_present"))

    @property
    def launchable(self) -> bool | None:
        """Whether the wired entry names a command that exists where the agent runs; None if that was not seen."""
        if self.settings is None:
            return None
        return bool(self.settings.get("command_resolves"))


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that rules may look at."""

    stages: Mapping[str, StageEnd] = field(default_factory=dict)
    looks: tuple[LookSeen, ...] = ()
    standing: tuple[Refusal, ...] = ()
    statuses: tuple[str, ...] = ()
    published_failure: bool = False
    interrupted: bool = False
    crash: str | None = None
    crash_reference: str = ""
    leaks: tuple[Mapping[str, Any], ...] = ()
    absent_rows: tuple[str, ...] = ()
    turn: Mapping[str, Any] | None = None
    target_error: str | None = None
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def last_look(self) -> LookSeen | None:
        """The newest look that saw the concierge's container."""
        return next((look for look in reversed(self.looks) if look.concierge is not None), None)

    @property
    def launch(self) -> Mapping[str, Any] | None:
        """The facts of the newest launch, if there was one."""
        return next((look.launch for look in reversed(self.looks) if look.launch is not None), None)

    def pointers(self, kind: str) -> tuple[str, ...]:
        """Return where the log has events of one kind."""
        return self.references.get(kind, ())


def read_findings(events: Iterable[EventLike]) -> Findings:
    """Read the findings from events in their order; unknown kinds are passed over."""
    stages: dict[str, StageEnd] = {}
    looks: list[LookSeen] = []
    standing: tuple[Refusal, ...] = ()
    statuses: list[str] = []
    leaks: list[Mapping[str, Any]] = []
    absent: list[str] = []
    references: dict[str, tuple[str, ...]] = {}
    crash: str | None = None
    crash_reference = ""
    turn: Mapping[str, Any] | None = None
    target_error: str | None = None
    interrupted = published = False
    for event in events:
        data, reference = event.data, f"events.jsonl#seq={event.seq}"
        references[event.kind] = (*references.get(event.kind, ()), reference)
        match event.kind:
            case "stage_ended":
                stages[str(data["stage"])] = StageEnd(
                    str(data["stage"]),
                    str(data["state"]),
                    str(data["last_observation"]),
                    data.get("cause"),
                    reference,
                    data,
                )
            case "look":
                looks.append(look_seen(data))
            case "standing":
                standing = tuple(
                    Refusal(int(r["position"]), r.get("time"), str(r["core"]), r.get("reason"))
                    for r in data["refusals"]
                )
            case "status":
                statuses.append(str(data["status"]))
                published = published or data["status"] == "failed"
            case "organisation_failed":
                published = True
            case "leak":
                leaks.append({**data, "reference": reference})
            case "row_absent":
                absent.append(str(data["by"]))
            case "turn":
                turn = data
            case "interrupted":
                interrupted = True
            case "harness_crashed":
                crash, crash_reference = str(data.get("error")), reference
            case "target_unusable":
                target_error = str(data.get("error"))
            case _:
                pass
    return Findings(
        stages=stages,
        looks=tuple(looks),
        standing=standing,
        statuses=tuple(statuses),
        published_failure=published,
        interrupted=interrupted,
        crash=crash,
        crash_reference=crash_reference,
        leaks=tuple(leaks),
        absent_rows=tuple(absent),
        turn=turn,
        target_error=target_error,
        references=references,
    )


def look_seen(data: Mapping[str, Any]) -> LookSeen:
    """Return one look from the data of its event."""
    return LookSeen(
        number=int(data["number"]),
        trigger=str(data["trigger"]),
        evidence=str(data["evidence"]),
        settings=data.get("settings"),
        presence=data.get("presence"),
        reads_present=data.get("reads_present"),
        registry=data.get("registry"),
        launch=data.get("launch"),
        concierge=data.get("concierge"),
    )
