"""Turns what the looks saw into the stages that need the hosts: wired, present, registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from e2e.clients.control_plane import parse_time
from e2e.hosts.errors import HostAccessError
from e2e.run.context import Run
from e2e.run.looks import HostLooks
from e2e.run.stages import StageBook
from e2e.verdict.findings import LookSeen, Refusal

_UNHEARD = "no look saw it"
LAST_HEARTBEATS = 3
STANDS_AT = 2
"""Where nothing held, refusals stand if this many of the last :data:`LAST_HEARTBEATS` heartbeats were refused."""


DEMANDED_KIND = "manifest"
"""The kind of digest that ``REF@sha256:…`` names: the one of a registry."""


@dataclass(frozen=True, slots=True)
class Window:
    """The window that the registry log is judged by: whether it held, its control refusals, the heartbeats seen."""

    held: bool
    opening: str | None
    closing: str | None
    heartbeats: tuple[str, ...]


def judge_looks(
    run: Run,
    book: StageBook,
    looks: HostLooks,
    window: Window,
) -> None:
    """Record the stages that hang on the looks alone: image, settings, presence and registration."""
    if not book.established("hosts_reachable"):
        for stage in ("image_running", "settings_wired", "presence_reported", "registered"):
            book.skip(stage, "needs hosts_reachable")
        return
    seen = looks.seen()
    newest = next((look for look in reversed(seen) if look.concierge is not None), None)
    if newest is None and looks.trouble is not None:
        for stage in ("image_running", "settings_wired", "presence_reported"):
            book.record(stage, "blocked", str(looks.trouble).splitlines()[0], cause=looks.trouble.cause)
    _image(run, book, newest)
    _settings(book, newest)
    _presence(run, book, newest)
    standing = _registered(book, seen, window, looks.trouble)
    run.journal.write("standing", {"refusals": [_document(refusal) for refusal in standing]})


def _image(run: Run, book: StageBook, look: LookSeen | None) -> None:
    """Compare the digest that the scenario demands with the one of the running container; kinds are never compared."""
    stage, demanded = "image_running", run.scenario.boot.digest
    seen = look.concierge.get("provenance", {}).get("image") if look is not None and look.concierge else None
    if look is None or seen is None or not seen.get("digest"):
        book.record(stage, "expired", "no look saw which image the concierge runs on")
        return
    evidence, running = (f"{look.evidence}#image",), f"{seen.get('kind')} digest {seen['digest']}"
    if demanded is None:
        book.record(stage, "established", f"the platform's pin decides: {running}", evidence=evidence)
    elif seen.get("kind") != DEMANDED_KIND:
        saying = f"{run.scenario.boot.image} names a {DEMANDED_KIND} digest, and only the {running} was seen"
        book.record(stage, "expired", saying, evidence=evidence)
    elif seen["digest"] == demanded:
        book.record(stage, "established", f"as demanded: {running}", evidence=evidence)
    else:
        saying = f"demanded was {demanded}, and what runs is {running}"
        book.record(stage, "refuted", saying, cause="stale-image", evidence=evidence)


def _settings(book: StageBook, look: LookSeen | None) -> None:
    if look is None or look.settings is None:
        book.record("settings_wired", "expired", _UNHEARD)
        return
    evidence = (f"{look.evidence}#settings",)
    state = look.settings.get("state")
    if look.wired and look.launchable:
        command = look.settings.get("command")
        book.record("settings_wired", "established", f"wired: {command}", evidence=evidence)
    elif look.wired and look.launchable is None:
        saying = f"wired, and no look saw whether the command {look.settings.get('command')!r} is there"
        book.record("settings_wired", "expired", saying, evidence=evidence)
    elif look.wired:
        saying = f"wired, and the command {look.settings.get('command')!r} is not there where the agent runs"
        book.record("settings_wired", "refuted", saying, evidence=evidence)
    elif state == "ok":
        book.record(
            "settings_wired", "refuted", "the settings file does not wire the management server", evidence=evidence
        )
    else:
        book.record("settings_wired", "refuted", f"the settings file is {state}", evidence=evidence)


def _presence(run: Run, book: StageBook, look: LookSeen | None) -> None:
    if look is None or look.presence is None:
        book.record("presence_reported", "expired", _UNHEARD)
        return
    evidence = (f"{look.evidence}#presence",)
    field = run.contract.runtime_present_field
    if look.presence == "true" and look.reads_present is True:
        book.record("presence_reported", "established", f"{field} is true, and our reading agrees", evidence=evidence)
    elif look.presence == "true" and look.reads_present is None:
        book.record("presence_reported", "expired", f"{field} is true, and no look saw whether so", evidence=evidence)
    elif look.presence == "true":
        saying = f"{field} is true, but our reading finds neither the server in the settings nor the retired binary"
        book.record("presence_reported", "refuted", saying, evidence=evidence)
    elif look.presence == "false":
        book.record("presence_reported", "refuted", f"the installed runtime says {field}=false", evidence=evidence)
    else:
        book.record("presence_reported", "expired", f"{field} is {look.presence}; that is no proof", evidence=evidence)


def _registry_unseen(book: StageBook, seen: Sequence[LookSeen], *, every_host: bool) -> None:
    if seen and every_host:
        saying = "no host has a container of the workspace-server, so nobody can read the registry log"
        book.record("registered", "blocked", saying, cause="log-unreadable", evidence=(seen[-1].evidence,))
    else:
        book.record("registered", "expired", "the registry log was not seen")


def _registered(
    book: StageBook, seen: Sequence[LookSeen], window: Window, trouble: HostAccessError | None
) -> tuple[Refusal, ...]:
    look = next((look for look in reversed(seen) if look.registry is not None), None)
    if look is None or look.registry is None:
        _registry_unseen(book, seen, every_host=trouble is None)
        return ()
    evidence = (f"{look.evidence}#registry_log",)
    positions = {str(c["id"]): int(c["position"]) for c in look.registry.get("controls", [])}
    end = positions.get(window.closing) if window.closing is not None else None
    begin = positions.get(window.opening) if window.opening is not None else None
    wanted = (begin, end) if window.held else (end,)
    if not look.registry.get("readable") or any(position is None for position in wanted):
        saying = "the registry log does not show the control refusals that were just posted"
        book.record("registered", "blocked", saying, cause="log-unreadable", evidence=evidence)
        return ()
    if window.held and begin is not None and end is not None:
        if begin >= end:
            book.record(
                "registered",
                "blocked",
                "the control refusals are out of order",
                cause="log-unreadable",
                evidence=evidence,
            )
            return ()
        standing = tuple(refusal for refusal in look.refusals if begin < refusal.position < end)
    else:
        posted = next(c.get("time") for c in look.registry["controls"] if c["id"] == window.closing)
        standing = standing_after_failure(look.refusals, platform_times(window.heartbeats), end, posted)
    if standing:
        reasons = ", ".join(sorted({refusal.reason or refusal.core for refusal in standing}))
        book.record("registered", "refuted", f"{len(standing)} refusals stand: {reasons}", evidence=evidence)
    elif not window.held:
        book.record("registered", "not_run", "no refusal stands, but there is no window that held", evidence=evidence)
    elif moved := _moved(seen):
        book.record("registered", "expired", moved, evidence=evidence)
    elif look.registry.get("left_out"):
        saying = f"{look.registry['left_out']} known lines were left out, and a refusal may be among them"
        book.record("registered", "expired", saying, evidence=evidence)
    else:
        book.record("registered", "established", "the log is readable and no refusal stands", evidence=evidence)
    return standing


def platform_times(texts: Sequence[str]) -> tuple[datetime, ...]:
    """Return the times of heartbeats by the platform's own clock; what cannot be read is left out."""
    return tuple(time for time in map(parse_time, texts) if time is not None)


def standing_after_failure(
    refusals: Sequence[Refusal], heartbeats: Sequence[datetime], end: int | None, posted: str | None
) -> tuple[Refusal, ...]:
    """Return the refusals that stand where nothing held.

    Only what comes before the closing control counts, which stands at position ``end`` and was logged at ``posted``.
    Refusals stand if one was logged for at least two of the last three heartbeats before it; a refusal belongs to the
    newest heartbeat that is not later than it. Where no heartbeat was seen, the refused register calls speak.
    """
    before = [refusal for refusal in refusals if end is None or refusal.position < end]
    closed = parse_time(_microseconds(posted))
    last = [beat for beat in heartbeats if closed is None or beat <= closed][-LAST_HEARTBEATS:]
    if not last:
        return tuple(before)
    hit: set[int] = set()
    for refusal in before:
        time = parse_time(_microseconds(refusal.time))
        if time is None:
            continue
        owners = [index for index, heartbeat in enumerate(last) if heartbeat <= time]
        if owners:
            hit.add(owners[-1])
    return tuple(before) if len(hit) >= min(STANDS_AT, len(last)) else ()


def _moved(seen: Sequence[LookSeen]) -> str | None:
    """Say that the looks saw different lives of the concierge or of the registry, if they did."""
    lives = {_life(look.concierge) for look in seen if look.concierge is not None}
    registries = {str(look.registry.get("container")) for look in seen if look.registry is not None}
    if len(lives) > 1:
        return "the looks saw different lives of the concierge"
    return "the looks saw different lives of the registry's container" if len(registries) > 1 else None


def _life(concierge: Mapping[str, Any]) -> str:
    return repr(sorted(dict(concierge["incarnation"]).items()))


def _document(refusal: Refusal) -> dict[str, object]:
    return {"position": refusal.position, "time": refusal.time, "core": refusal.core, "reason": refusal.reason}


def _microseconds(text: str | None) -> str | None:
    """Cut the nanoseconds of docker's time stamps to what datetime can hold."""
    if text is None or "." not in text:
        return text
    head, _, tail = text.partition(".")
    digits = tail.rstrip("Z")
    return f"{head}.{digits[:6]}+00:00" if digits.isdigit() else text
