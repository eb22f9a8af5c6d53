"""`docker exec`: a process beside the container's main one, with its environment, user and root."""

# ruff: noqa: PTH119
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import os
import signal

from e2e.twin.hosts import records
from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.flags import CommandLine, Options, parse
from e2e.twin.hosts.paths import find_program, mapped_variable, on_machine, working_directory
from e2e.twin.hosts.users import UnknownUserError, become, container_user, with_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from e2e.twin.hosts.engine.machine import Machine
    from e2e.twin.hosts.users import ContainerUser

_OPTIONS = Options(
    switches={
        "-i": "interactive",
        "--interactive": "interactive",
        "-t": "tty",
        "--tty": "tty",
        "-d": "detach",
        "--detach": "detach",
        "--privileged": "privileged",
    },
    values={"-u": "user", "--user": "user", "-w": "workdir", "--workdir": "workdir", "-e": "env", "--env": "env"},
    interspersed=False,
)
_RUNTIME_FAILED = "OCI runtime exec failed: exec failed: unable to start container process: "
_COMMAND_MARKER = "SSM_COMMAND_ID"
"""Passed on so that the host's agent finds what its command started; a real engine does not, and leaves it running."""


def run(machine: Machine, arguments: list[str]) -> int:
    """Run the command in the container and return its exit code; a signal counts as 128 plus its number.

    The process does not die with this program, as with a real engine.

    Raises:
        EngineError: no such container, not running, no such user, or the command cannot be started.
    """
    line = parse("exec", _OPTIONS, arguments)
    if len(line.arguments) < 2:
        raise EngineError("\"docker exec\" requires at least 2 arguments.\nSee 'docker exec --help'.")
    reference, *command = line.arguments
    container = machine.container(reference)
    if not container.running:
        raise EngineError(f"Error response from daemon: Container {container.container_id} is not running")
    if "tty" in line.switches and not os.isatty(0):
        raise EngineError("the input device is not a TTY")
    runtime = records.read_record(f"{container.folder}/{records.RUNTIME}")
    user = _user(line.last("user") or container.record["Config"]["User"] or "root")
    environment = _environment(runtime, line, user)
    program, argv = _program(runtime["rootfs"], command, environment["PATH"])
    directory = line.last("workdir") or runtime["working_directory"]
    child = os.fork()
    if child == 0:
        if "interactive" not in line.switches:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _become(runtime, user, program, argv, environment, directory)
    if "detach" in line.switches:
        return 0
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _user(name: str) -> ContainerUser:
    try:
        return container_user(name)
    except UnknownUserError as error:
        raise EngineError(
            f"{_RUNTIME_FAILED}unable to find user {error}: no matching entries in passwd file: unknown", 126
        ) from error


def _environment(runtime: dict[str, Any], line: CommandLine, user: ContainerUser) -> dict[str, str]:
    environment = with_home(runtime["environment"], user, runtime["rootfs"])
    for setting in line.values.get("env", []):
        name, equals, value = setting.partition("=")
        if equals:
            environment[name] = mapped_variable(runtime["rootfs"], name, value)
        elif name in os.environ:
            environment[name] = os.environ[name]
    if _COMMAND_MARKER in os.environ:
        environment[_COMMAND_MARKER] = os.environ[_COMMAND_MARKER]
    return environment


def _program(rootfs: str, command: list[str], search_path: str) -> tuple[str, list[str]]:
    argv = [on_machine(rootfs, argument) for argument in command]
    try:
        return find_program(argv[0], search_path), argv
    except FileNotFoundError:
        reason = "stat {0}: no such file or directory" if "/" in command[0] else "executable file not found in $PATH"
        message = f'{_RUNTIME_FAILED}exec: "{command[0]}": {reason.format(command[0])}: unknown'
        raise EngineError(message, 127) from None
    except PermissionError:
        raise EngineError(f'{_RUNTIME_FAILED}exec: "{command[0]}": permission denied: unknown', 126) from None


def _become(
    runtime: dict[str, Any],
    user: ContainerUser,
    program: str,
    argv: list[str],
    environment: dict[str, str],
    directory: str,
) -> NoReturn:
    """In the forked child: turn into the command, or say why not and leave."""
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        try:
            os.chdir(working_directory(runtime["rootfs"], directory))
        except OSError as problem:
            _say(f'{_RUNTIME_FAILED}chdir to cwd ("{directory}") set in config.json failed: {_words(problem)}: unknown')
            os._exit(126)
        become(user, runtime["agent_uid"], runtime["agent_gid"])
        os.execve(program, argv, environment)  # noqa: S606 (the argument list is the caller's own command)
    except OSError as problem:
        _say(f'{_RUNTIME_FAILED}exec: "{os.path.basename(program)}": {_words(problem)}: unknown')
    os._exit(126)


def _words(problem: OSError) -> str:
    return (problem.strerror or str(problem)).lower()


def _say(text: str) -> None:
    os.write(2, text.encode() + b"\n")
