"""Reads a container's log and says which known lines stand where. No line leaves the host."""

import re
from typing import TYPE_CHECKING, Any

from e2e.probes.on_host.docker import Docker, DockerFailed, DockerTimedOut
from e2e.probes.on_host.facts import NAME, TIME, UUID, WORD, class_name, fitting

if TYPE_CHECKING:
    from collections.abc import Callable

_STAMPED = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (.*)", re.DOTALL)
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

    ``readable`` says that docker gave the whole log and every line bore a time; ``complete`` is false when the log
    is larger than ``byte_limit`` and its end was not read. Positions are line numbers, from 1.
    """
    counts: dict[str, dict[str, Any]] = {}
    ours, others = Kept(head, tail), Kept(head // 4, tail // 4)
    lines = unstamped = size = 0
    first = last = None
    complete, trouble = True, None
    try:
        for raw in docker.lines("logs", "--timestamps", container):
            size += len(raw)
            if size > byte_limit:
                complete = False
                break
            lines += 1
            stamped = _STAMPED.match(raw)
            if stamped is None:
                unstamped += 1
                continue
            time = fitting(TIME, stamped[1].decode("ascii"))
            first, last = first or time, time
            text = stamped[2][:_MATCHED_CHARACTERS].decode("utf-8", "replace").rstrip("\r\n")
            found = _recognise(text, cores)
            if found is None:
                continue
            core, match = found
            _count(counts, core, lines, time)
            parts = match.groupdict()
            owner = whose(parts.get("workspace"))
            kept = others if owner.get("workspace") == "other" else ours
            kept.add({"position": lines, "time": time, "core": core, **owner, **_details(parts)})
    except (DockerFailed, DockerTimedOut) as error:
        trouble = class_name(error)
    return {
        "readable": trouble is None and lines > unstamped,
        "trouble": trouble,
        "complete": complete and trouble is None,
        "lines": lines,
        "unstamped_lines": unstamped,
        "bytes": size,
        "first_time": first,
        "last_time": last,
        "counts": counts,
        "matches": sorted(ours.items() + others.items(), key=lambda match: int(match["position"])),
        "matches_left_out": ours.left_out + others.left_out,
    }


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
