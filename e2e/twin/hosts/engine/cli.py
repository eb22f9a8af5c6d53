"""The `docker` program on a host's PATH: reads the host's folder, knows what a look into a host needs, and no more."""

from __future__ import annotations

import os
import sys

from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.machine import Machine
from e2e.twin.hosts.engine.output import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[[Machine, list[str]], int]


def _command(name: str) -> Command:
    """Return the command; each is imported when it is asked for, as every look starts this program anew."""
    if name == "exec":
        from e2e.twin.hosts.engine import execution

        return execution.run
    if name == "ps":
        from e2e.twin.hosts.engine import listing

        return listing.run
    if name == "logs":
        from e2e.twin.hosts.engine import logs

        return logs.run
    from e2e.twin.hosts.engine import looking

    commands: dict[str, Command] = {
        "inspect": looking.inspect,
        "image": looking.image,
        "diff": looking.diff,
        "version": looking.version,
        "info": looking.info,
    }
    if name not in commands:
        raise EngineError(f"docker: '{name}' is not a docker command.\nSee 'docker --help'")
    return commands[name]


def main(arguments: list[str]) -> None:
    """Run one command; the first argument is the host's folder."""
    folder, *words = arguments
    if words[:1] == ["container"]:
        words = words[1:]
    name, rest = (words[0], words[1:]) if words else ("", [])
    code = 0
    try:
        code = _command(name)(Machine(folder), rest)
        sys.stdout.flush()
    except EngineError as error:
        complain(str(error))
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 141
    sys.exit(code)
