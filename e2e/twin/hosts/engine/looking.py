"""`docker inspect`, `docker image inspect`, `docker diff`, `docker version`, `docker info`."""

from __future__ import annotations

import json

from e2e.twin.hosts import records
from e2e.twin.hosts.baseline import changes
from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.flags import Options, parse
from e2e.twin.hosts.engine.output import complain, write_line
from e2e.twin.hosts.engine.templates import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from e2e.twin.hosts.engine.flags import CommandLine
    from e2e.twin.hosts.engine.machine import Machine

_FORMAT = Options(values={"-f": "format", "--format": "format"})
_INSPECT = Options(switches={"-s": "size", "--size": "size"}, values={**_FORMAT.values, "--type": "type"})
_VERSION = "24.0.7"
_API_VERSION = "1.43"


def inspect(machine: Machine, arguments: list[str]) -> int:
    """Print containers, or images where no container has that name."""
    line = parse("inspect", _INSPECT, arguments)
    kind = line.last("type")

    def find(reference: str) -> dict[str, Any] | None:
        container = machine.find(reference) if kind in {None, "container"} else None
        if container is not None:
            return container.record
        return machine.find_image(reference) if kind in {None, "image"} else None

    return _print_found("inspect", line, find, f"Error: No such {kind or 'object'}: ")


def image(machine: Machine, arguments: list[str]) -> int:
    """`docker image inspect`; nothing else of `docker image` is known.

    Raises:
        EngineError: another sub-command.
    """
    if arguments[:1] != ["inspect"]:
        raise EngineError("this engine knows only `docker image inspect`", 125)
    line = parse("image inspect", _FORMAT, arguments[1:])
    return _print_found("image inspect", line, machine.find_image, "Error: No such image: ")


def _print_found(command: str, line: CommandLine, find: Callable[[str], dict[str, Any] | None], missing: str) -> int:
    if not line.arguments:
        raise EngineError(f"\"docker {command}\" requires at least 1 argument.\nSee 'docker {command} --help'.")
    found, absent = [], []
    for reference in line.arguments:
        record = find(reference)
        if record is None:
            absent.append(reference)
        else:
            found.append(record)
    template = line.last("format")
    if template is None or template == "json":
        write_line(json.dumps(found, indent=4 if template is None else None))
    else:
        for record in found:
            write_line(render(template, record))
    for reference in absent:
        complain(missing + reference)
    return 1 if absent else 0


def diff(machine: Machine, arguments: list[str]) -> int:
    """Print what changed in the container's own files since it was started; bound folders are not its own.

    Raises:
        EngineError: not exactly one container, or no such container.
    """
    line = parse("diff", Options(), arguments)
    if len(line.arguments) != 1:
        raise EngineError("\"docker diff\" requires exactly 1 argument.\nSee 'docker diff --help'.")
    container = machine.container(line.arguments[0])
    for kind, path in changes(f"{container.folder}/rootfs", f"{container.folder}/{records.BASELINE}"):
        write_line(f"{kind} {path}")
    return 0


def version(_machine: Machine, arguments: list[str]) -> int:
    """Print client and server versions, those of an engine of the year in question."""
    side = {"Version": _VERSION, "ApiVersion": _API_VERSION, "Os": "linux", "Arch": "amd64"}
    report = {"Client": {**side, "DefaultAPIVersion": _API_VERSION}, "Server": {**side, "MinAPIVersion": "1.12"}}
    template = parse("version", _FORMAT, arguments).last("format")
    if template is not None:
        write_line(render(template, report))
        return 0
    for name in ("Client", "Server"):
        write_line(f"{name}: Docker Engine - Community\n Version:           {_VERSION}")
        write_line(f" API version:       {_API_VERSION}\n OS/Arch:           linux/amd64\n")
    return 0


def info(machine: Machine, arguments: list[str]) -> int:
    """Print how many containers there are, and the engine's version."""
    states = [container.record["State"]["Status"] for container in machine.containers()]
    running = sum(state in {"running", "restarting"} for state in states)
    report = {
        "Containers": len(states),
        "ContainersRunning": running,
        "ContainersPaused": 0,
        "ContainersStopped": len(states) - running,
        "ServerVersion": _VERSION,
        "OSType": "linux",
    }
    template = parse("info", _FORMAT, arguments).last("format")
    if template is not None:
        write_line(render(template, report))
        return 0
    write_line(f"Server:\n Containers: {len(states)}\n  Running: {running}\n  Paused: 0")
    write_line(f"  Stopped: {len(states) - running}\n Server Version: {_VERSION}")
    return 0
