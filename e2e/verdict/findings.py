"""What a run found, read back from its event log alone: the only thing that diagnosis ever sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
        return tuple(_refusal(row) for row in rows)

    @property
    def wired(self) -> bool | None:
        """Whether the contract's server is under the contract's key; None if the settings were not seen."""
        if self.settings is None:
            return None
        return bool(self.settings.get("entry_present"))

    @property
    def launchable(self) -> bool | None:
        """Whether the wired entry names a command that exists where the agent runs; None if that was not seen."""
        if self.settings is None or not self.wired:
            return None
        if self.settings.get("command") is None:
            return False
        resolves = self.settings.get("command_resolves")
        return resolves if isinstance(resolves, bool) else None


@dataclass(frozen=True, slots=True)
class LookFailure:
    """A look that brought nothing back from one host: the cause it stands for, and where the log says so."""

    cause: str
    saying: str
    reference: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that rules may look at."""

    stages: Mapping[str, StageEnd] = field(default_factory=dict)
    looks: tuple[LookSeen, ...] = ()
    look_failures: tuple[LookFailure, ...] = ()
    standing: tuple[Refusal, ...] = ()
    statuses: tuple[str, ...] = ()
    published_failure: bool = False
    interrupted: bool = False
    crash: str | None = None
    leaks: tuple[Mapping[str, Any], ...] = ()
    absent_rows: tuple[str, ...] = ()
    turn: Mapping[str, Any] | None = None
    target_error: str | None = None
    moved: str | None = None
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def last_look(self) -> LookSeen | None:
        """The newest look that saw the concierge's container."""
        return next((look for look in reversed(self.looks) if look.concierge is not None), None)

    @property
    def launch_look(self) -> LookSeen | None:
        """The newest look that launched the management server, if one did."""
        return next((look for look in reversed(self.looks) if look.launch is not None), None)

    def pointers(self, kind: str) -> tuple[str, ...]:
        """Return where the log has events of one kind."""
        return self.references.get(kind, ())


def read_findings(events: Iterable[EventLike]) -> Findings:
    """Read the findings from events in their order; unknown kinds are passed over.

    Two ends of one stage that contradict each other are never read as the better one. A concierge that held and whose
    last status is another than ``online`` did not stay online, whatever the stage says.
    """
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.findings()


class _Reader:
    """Takes events one after another; what each kind means stands in one place."""

    def __init__(self) -> None:
        self._stages: dict[str, StageEnd] = {}
        self._looks: list[LookSeen] = []
        self._look_failures: list[LookFailure] = []
        self._standing: tuple[Refusal, ...] = ()
        self._statuses: list[str] = []
        self._leaks: list[Mapping[str, Any]] = []
        self._absent_rows: list[str] = []
        self._references: dict[str, tuple[str, ...]] = {}
        self._crash: str | None = None
        self._turn: Mapping[str, Any] | None = None
        self._target_error: str | None = None
        self._moved: str | None = None
        self._published = False

    def take(self, event: EventLike) -> None:
        """Take the next event."""
        data, reference = event.data, f"events.jsonl#seq={event.seq}"
        self._references[event.kind] = (*self._references.get(event.kind, ()), reference)
        match event.kind:
            case "stage_ended":
                self._take_stage(data, reference)
            case "look":
                self._looks.append(look_seen(data))
            case "look_failed":
                self._look_failures.append(LookFailure(str(data["cause"]), str(data["detail"]), reference))
            case "standing":
                self._standing = tuple(_refusal(row) for row in data["refusals"])
            case "status":
                self._take_status(str(data["status"]))
            case "organisation_failed":
                self._published = True
            case "leak":
                self._leaks.append({**data, "reference": reference})
            case "row_absent":
                self._absent_rows.append(str(data["by"]))
            case "turn":
                self._turn = data
            case "harness_crashed":
                self._crash = self._crash or str(data.get("error"))
            case "platform_moved":
                self._moved = str(data.get("detail"))
            case "target_unusable":
                self._target_error = str(data.get("error"))
            case _:
                pass

    def findings(self) -> Findings:
        """Return what the events taken so far say."""
        return Findings(
            stages=self._settled_stages(),
            looks=tuple(self._looks),
            look_failures=tuple(self._look_failures),
            standing=self._standing,
            statuses=tuple(self._statuses),
            published_failure=self._published,
            interrupted="interrupted" in self._references,
            crash=self._crash,
            leaks=tuple(self._leaks),
            absent_rows=tuple(self._absent_rows),
            turn=self._turn,
            target_error=self._target_error,
            moved=self._moved,
            references=self._references,
        )

    def _take_stage(self, data: Mapping[str, Any], reference: str) -> None:
        end = StageEnd(
            str(data["stage"]), str(data["state"]), str(data["last_observation"]), data.get("cause"), reference, data
        )
        known = self._stages.get(end.name)
        if known is None or known.state == "established":
            self._stages[end.name] = end

    def _take_status(self, status: str) -> None:
        self._statuses.append(status)
        self._published = self._published or status == "failed"

    def _settled_stages(self) -> dict[str, StageEnd]:
        online = self._stages.get("online")
        if online is None or online.state != "established" or self._statuses[-1:] in ([], ["online"]):
            return self._stages
        saying = f"it held, and then left online; last seen: {self._statuses[-1]}"
        reference = self._references["status"][-1]
        return {**self._stages, "online": replace(online, state="refuted", saying=saying, reference=reference)}


def look_seen(data: Mapping[str, Any]) -> LookSeen:
    """Return one look from the data of its event; older logs tell our reading of presence by the settings alone."""
    settings = data.get("settings")
    wired = None if settings is None else bool(settings.get("entry_present"))
    return LookSeen(
        number=int(data["number"]),
        trigger=str(data["trigger"]),
        evidence=str(data["evidence"]),
        settings=settings,
        presence=data.get("presence"),
        reads_present=data.get("reads_present", wired),
        registry=data.get("registry"),
        launch=data.get("launch"),
        concierge=data.get("concierge"),
    )


def _refusal(row: Mapping[str, Any]) -> Refusal:
    return Refusal(int(row["position"]), row.get("time"), str(row["core"]), row.get("reason"))
