"""Reads a container's log and says which known lines stand where. No line leaves the host."""

import re
from array import array
from bisect import bisect_left, bisect_right
from calendar import timegm
from typing import TYPE_CHECKING, Any

from e2e.probes.on_host.docker import Docker, DockerFailed, DockerTimedOut
from e2e.probes.on_host.facts import NAME, TIME, UUID, WORD, class_name, fitting

if TYPE_CHECKING:
    from collections.abc import Callable

_STAMPED = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (.*)", re.DOTALL)
_PARTS = re.compile(r"(?P<second>[-0-9T:]{19})(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)")
_GO_PREFIX = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? ")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,12}m")
_MATCHED_CHARACTERS = 2_000


class Kept:
    """The first and the last of a series, at most ``head`` and ``tail`` of them."""

    def __init__(self, head: int, tail: int) -> None:
        self._head = head
        self._tail = tail
        self._first: list[dict[str, Any]] = []
        self._last: list[dict[str, Any]] = []
        self.left_out = 0

    def add(self, item: "dict[str, Any]") -> None:
        """Keep ``item``, at the cost of the oldest of the tail."""
        if len(self._first) < self._head:
            self._first.append(item)
            return
        self._last.append(item)
        if len(self._last) > self._tail:
            del self._last[0]
            self.left_out += 1

    def items(self) -> "list[dict[str, Any]]":
        """Return what was kept, in order."""
        return self._first + self._last


class Whose:
    """Says whose a workspace id is: the concierge's, one of the harness's control ids, or another's."""

    def __init__(self, concierge_id: str, control_ids: "list[str]") -> None:
        self._concierge_id = concierge_id
        self._control_ids = frozenset(control_ids)

    def __call__(self, workspace: str | None) -> "dict[str, Any]":
        """Return what may be told of the workspace that a line names."""
        if workspace is None:
            return {}
        if workspace == self._concierge_id:
            return {"workspace": "concierge"}
        if workspace in self._control_ids and fitting(UUID, workspace):
            return {"workspace": "control", "control_id": workspace}
        return {"workspace": "other"}


class Stream:
    """One of the two streams of a log: the times of all its lines, and the known ones among them."""

    def __init__(self, cores: "tuple[tuple[str, re.Pattern[str]], ...]", byte_limit: int) -> None:
        self._cores = cores
        self._byte_limit = byte_limit
        self.times = array("q")
        self.size = 0
        self.unstamped = 0
        self.first: str | None = None
        self.last: str | None = None
        self.known: list[tuple[int, str | None, str, dict[str, Any]]] = []
        self.cut = False

    def take(self, raw: bytes) -> bool:
        """Take one line and return whether another may come."""
        if self.size + len(raw) > self._byte_limit:
            self.cut = True
            return False
        self.size += len(raw)
        stamped = _STAMPED.match(raw)
        latest = self.times[-1] if self.times else 0
        if stamped is None:
            self.unstamped += 1
            self.times.append(latest)
            return True
        time = fitting(TIME, stamped[1].decode("ascii"))
        self.times.append(max(latest, nanoseconds(time or "")))
        self.first, self.last = self.first or time, time
        text = stamped[2][:_MATCHED_CHARACTERS].decode("utf-8", "replace").rstrip("\r\n")
        found = _recognise(text, self._cores)
        if found is not None:
            self.known.append((len(self.times) - 1, time, found[0], found[1].groupdict()))
        return True


def read_log(
    docker: Docker,
    container: str,
    cores: "tuple[tuple[str, re.Pattern[str]], ...]",
    whose: "Callable[[str | None], dict[str, Any]]",
    *,
    head: int,
    tail: int,
    byte_limit: int,
) -> "dict[str, Any]":
    """Return where known lines stand in a container's log.

    ``readable`` says that docker gave the log and its lines bore times; ``complete`` is false when the log is larger
    than ``byte_limit`` and its end was not read. Positions are line numbers from 1, in the order of docker's own
    times: docker hands out the two streams of a container apart.
    """
    output, errors = Stream(cores, byte_limit), Stream(cores, byte_limit)
    trouble = None
    try:
        docker.read_streams("logs", "--timestamps", container, readers=(output.take, errors.take))
    except (DockerFailed, DockerTimedOut) as error:
        trouble = class_name(error)
    counts: dict[str, dict[str, Any]] = {}
    ours, others = Kept(head, tail), Kept(head // 4, tail // 4)
    placed = [
        (index + 1 + place(other.times, stream.times[index]), time, core, parts)
        for stream, other, place in ((output, errors, bisect_left), (errors, output, bisect_right))
        for index, time, core, parts in stream.known
    ]
    for position, time, core, parts in sorted(placed, key=lambda one: one[0]):
        _count(counts, core, position, time)
        owner = whose(parts.get("workspace"))
        kept = others if owner.get("workspace") == "other" else ours
        kept.add({"position": position, "time": time, "core": core, **owner, **_details(parts)})
    lines, unstamped = len(output.times) + len(errors.times), output.unstamped + errors.unstamped
    return {
        "readable": trouble is None and lines > unstamped,
        "trouble": trouble,
        "complete": trouble is None and not (output.cut or errors.cut),
        "lines": lines,
        "unstamped_lines": unstamped,
        "bytes": output.size + errors.size,
        "first_time": min(filter(None, (output.first, errors.first)), default=None),
        "last_time": max(filter(None, (output.last, errors.last)), default=None),
        "counts": counts,
        "matches": sorted(ours.items() + others.items(), key=lambda match: int(match["position"])),
        "matches_left_out": ours.left_out + others.left_out,
    }


def nanoseconds(time: str) -> int:
    """Return an RFC 3339 time as nanoseconds since 1970; 0 for what is none."""
    match = _PARTS.fullmatch(time)
    if match is None:
        return 0
    try:
        seconds = timegm((*(int(part) for part in re.split("[-T:]", match["second"])), 0, 0, 0))
    except ValueError:
        return 0
    zone = match["zone"]
    if zone != "Z":
        away = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds += away if zone[0] == "-" else -away
    return seconds * 1_000_000_000 + int((match["fraction"] or "").ljust(9, "0"))


def _recognise(text: str, cores: "tuple[tuple[str, re.Pattern[str]], ...]") -> "tuple[str, re.Match[str]] | None":
    text = _COLOUR.sub("", text)
    prefix = _GO_PREFIX.match(text)
    start = prefix.end() if prefix else 0
    for name, pattern in cores:
        match = pattern.match(text, start)
        if match is not None:
            return name, match
    return None


def _count(counts: "dict[str, dict[str, Any]]", core: str, position: int, time: str | None) -> None:
    known = counts.get(core)
    if known is None:
        counts[core] = {"count": 1, "first": position, "last": position, "first_time": time, "last_time": time}
    else:
        known.update(count=known["count"] + 1, last=position, last_time=time)


def _details(parts: "dict[str, Any]") -> "dict[str, Any]":
    details: dict[str, Any] = {}
    for key, pattern in (("reason", WORD), ("before", WORD), ("after", WORD), ("name", NAME)):
        value = fitting(pattern, parts.get(key))
        if value is not None:
            details[key] = value
    status = parts.get("status")
    if status is not None:
        details["status"] = int(status)
    return details
