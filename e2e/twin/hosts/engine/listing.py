"""`docker ps`."""

from __future__ import annotations

import re
import time

from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.flags import Options, parse
from e2e.twin.hosts.engine.output import write_line
from e2e.twin.hosts.engine.templates import render
from e2e.twin.hosts.records import seconds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from e2e.twin.hosts.engine.machine import Found, Machine

_OPTIONS = Options(
    switches={"-a": "all", "--all": "all", "--no-trunc": "no-trunc", "-q": "quiet", "--quiet": "quiet"},
    values={"-f": "filter", "--filter": "filter", "--format": "format"},
)


def run(machine: Machine, arguments: list[str]) -> int:
    """Print the containers of the machine.

    Raises:
        EngineError: a filter or template that this program does not know.
    """
    line = parse("ps", _OPTIONS, arguments)
    every = "all" in line.switches
    filters = line.values.get("filter", [])
    every = every or any(one.startswith("status=") for one in filters)
    template = line.last("format")
    rows = [
        row_of(container, truncate="no-trunc" not in line.switches)
        for container in machine.containers()
        if (every or container.record["State"]["Running"]) and all(_matches(container, one) for one in filters)
    ]
    if "quiet" in line.switches:
        template = "{{.ID}}"
    if template is None or template.startswith("table"):
        _print_table(rows)
    else:
        for row in rows:
            write_line(render(template, row))
    return 0


def _matches(container: Found, condition: str) -> bool:
    name, equals, wanted = condition.partition("=")
    if not equals:
        raise EngineError(
            f'invalid argument "{condition}" for "-f, --filter" flag: bad format of filter (expected name=value)', 125
        )
    if name == "name":
        return re.search(wanted, container.name) is not None or re.search(wanted, f"/{container.name}") is not None
    if name == "id":
        return container.container_id.startswith(wanted)
    if name == "status":
        return bool(container.record["State"]["Status"] == wanted)
    if name == "label":
        key, with_value, value = wanted.partition("=")
        labels = container.record["Config"]["Labels"]
        return key in labels and (not with_value or labels[key] == value)
    raise EngineError(f"Error response from daemon: invalid filter '{name}'")


def row_of(container: Found, *, truncate: bool) -> dict[str, Any]:
    """Return the fields that `--format '{{json .}}'` prints for a container."""
    record = container.record
    command = " ".join([record["Path"], *record["Args"]])
    if truncate and len(command) > 20:
        command = command[:19] + "…"
    created = seconds_of(record["Created"])
    return {
        "Command": f'"{command}"',
        "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(created)),
        "ID": container.container_id[:12] if truncate else container.container_id,
        "Image": record["Config"]["Image"],
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(record["Config"]["Labels"].items())),
        "LocalVolumes": "0",
        "Mounts": ",".join(_mount(mount["Source"], truncate=truncate) for mount in record["Mounts"]),
        "Names": container.name,
        "Networks": "host",
        "Ports": "",
        "RunningFor": f"{_duration(time.time() - created)} ago",
        "Size": "0B",
        "State": record["State"]["Status"],
        "Status": _status(record["State"]),
    }


def _mount(source: str, *, truncate: bool) -> str:
    return source[:14] + "…" if truncate and len(source) > 15 else source


def _status(state: dict[str, Any]) -> str:
    if state["Status"] == "running":
        return f"Up {_duration(time.time() - seconds_of(state['StartedAt']))}"
    if state["Status"] == "created":
        return "Created"
    ended = _duration(time.time() - seconds_of(state["FinishedAt"]))
    word = "Restarting" if state["Status"] == "restarting" else "Exited"
    return f"{word} ({state['ExitCode']}) {ended} ago"


def _duration(seconds: float) -> str:
    """Say a duration in the engine's words."""
    if seconds < 1:
        return "Less than a second"
    if seconds < 120:
        count, unit = int(seconds), "second"
    elif seconds < 7200:
        count, unit = int(seconds // 60), "minute"
    else:
        count, unit = int(seconds // 3600), "hour"
    return f"{count} {unit}{'s' if count != 1 else ''}"


def _print_table(rows: list[dict[str, Any]]) -> None:
    titles = {
        "CONTAINER ID": "ID",
        "IMAGE": "Image",
        "COMMAND": "Command",
        "CREATED": "RunningFor",
        "STATUS": "Status",
        "PORTS": "Ports",
        "NAMES": "Names",
    }
    table = [list(titles), *([row[field] for field in titles.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) + 3 for column in range(len(titles))]
    for line in table:
        write_line("".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
