"""`docker logs`."""

# ruff: noqa: PTH123
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import re
import sys
import time

from e2e.twin.hosts import records
from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.flags import Options, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from e2e.twin.hosts.engine.machine import Machine

_OPTIONS = Options(
    switches={"-t": "timestamps", "--timestamps": "timestamps", "--details": "details"},
    values={"-n": "tail", "--tail": "tail", "--since": "since", "--until": "until"},
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?")


def run(machine: Machine, arguments: list[str]) -> int:
    """Print a container's log, its standard error on ours.

    Raises:
        EngineError: no such container, or a time that cannot be read.
    """
    line = parse("logs", _OPTIONS, arguments)
    if len(line.arguments) != 1:
        raise EngineError("\"docker logs\" requires exactly 1 argument.\nSee 'docker logs --help'.")
    container = machine.container(line.arguments[0])
    since, until = line.last("since"), line.last("until")
    lines: list[tuple[str, str, bytes]] | Iterator[tuple[str, str, bytes]]
    lines = _read(f"{container.folder}/{records.LOG}")
    if since is not None:
        lines = _keep(lines, moment(since), lambda stamp, limit: stamp >= limit)
    if until is not None:
        lines = _keep(lines, moment(until), lambda stamp, limit: stamp <= limit)
    lines = _tail(lines, line.last("tail"))
    outputs: dict[str, BinaryIO] = {"o": sys.stdout.buffer, "e": sys.stderr.buffer}
    for stamp, stream, text in lines:
        prefix = f"{stamp} ".encode() if "timestamps" in line.switches else b""
        outputs[stream].write(prefix + text)
    return 0


def _read(path: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield stamp, stream and text (with its line end) of every finished line."""
    with open(path, "rb") as log:
        for line in log:
            if line.endswith(b"\n"):
                stamp, stream, text = line.split(b" ", 2)
                yield stamp.decode(), stream.decode(), text


def _keep(
    lines: Iterator[tuple[str, str, bytes]], limit: str, condition: Callable[[str, str], bool]
) -> Iterator[tuple[str, str, bytes]]:
    return (line for line in lines if condition(line[0], limit))


def _tail(lines: Iterator[tuple[str, str, bytes]], count: str | None) -> list[tuple[str, str, bytes]]:
    found = list(lines)
    if count is None or not count.lstrip("-").isdigit() or int(count) < 0:
        return found
    return found[len(found) - int(count) :] if 0 < int(count) < len(found) else found if int(count) else []


def moment(text: str) -> str:
    """Return the time that ``text`` means (a date, seconds since 1970, or a duration before now), as logs write it.

    Raises:
        EngineError: it cannot be read.
    """
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        ago = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
        return records.timestamp(time.time_ns() - int(ago * 1e9))
    if re.fullmatch(r"\d+(\.\d{1,9})?", text):
        seconds, _, fraction = text.partition(".")
        return records.timestamp(int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0")))
    date = _DATE.fullmatch(text)
    if date is None:
        raise EngineError(f'invalid value for "since": failed to parse value as time or duration: "{text}"')
    day, clock, fraction, zone = date.groups()
    seconds_since = records.seconds_of(f"{day}T{clock or '00:00:00'}")
    if zone not in {None, "Z"}:
        sign = -1 if zone[0] == "-" else 1
        seconds_since -= sign * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)
    return records.timestamp(seconds_since * 1_000_000_000 + int((fraction or "").ljust(9, "0")))
