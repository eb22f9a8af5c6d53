"""Reads command lines the way the engine's own command line does (pflag): clusters, `=`, repeated flags."""

from __future__ import annotations

from e2e.twin.hosts.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Options:
    """The flags a command knows: each spelling to the name it is kept under."""

    def __init__(
        self,
        switches: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        *,
        interspersed: bool = True,
    ) -> None:
        """``interspersed``: whether flags may follow arguments; `exec` stops at the first argument."""
        self.switches = switches or {}
        self.values = values or {}
        self.interspersed = interspersed


class CommandLine:
    """What was given: switches that are on, values in order, and the arguments."""

    def __init__(self) -> None:
        self.switches: set[str] = set()
        self.values: dict[str, list[str]] = {}
        self.arguments: list[str] = []

    def last(self, name: str) -> str | None:
        """Return the value given last for ``name``."""
        given = self.values.get(name)
        return given[-1] if given else None


def parse(command: str, options: Options, arguments: Sequence[str]) -> CommandLine:
    """Read ``arguments`` of ``command``.

    Raises:
        EngineError: an unknown flag or a flag without its value (exit code 125, as the engine).
    """
    line = CommandLine()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            line.arguments += rest
            break
        if word.startswith("--"):
            _long_flag(command, options, line, word, rest)
        elif word.startswith("-") and word != "-":
            _short_flags(command, options, line, word, rest)
        elif options.interspersed:
            line.arguments.append(word)
        else:
            line.arguments = [word, *rest]
            break
    return line


def _long_flag(command: str, options: Options, line: CommandLine, word: str, rest: list[str]) -> None:
    flag, equals, value = word.partition("=")
    if flag in options.switches:
        if value not in {"false", "0"}:
            line.switches.add(options.switches[flag])
        return
    if flag not in options.values:
        raise EngineError(f"unknown flag: {flag}\nSee 'docker {command} --help'.", 125)
    if not equals:
        value = _next_value(command, flag, rest)
    line.values.setdefault(options.values[flag], []).append(value)


def _short_flags(command: str, options: Options, line: CommandLine, word: str, rest: list[str]) -> None:
    letters = word[1:]
    while letters:
        flag, letters = f"-{letters[0]}", letters[1:]
        if flag in options.switches:
            line.switches.add(options.switches[flag])
        elif flag in options.values:
            value = letters.removeprefix("=") if letters else _next_value(command, flag, rest)
            line.values.setdefault(options.values[flag], []).append(value)
            return
        else:
            raise EngineError(f"unknown shorthand flag: '{flag[1]}' in {word}\nSee 'docker {command} --help'.", 125)


def _next_value(command: str, flag: str, rest: list[str]) -> str:
    if not rest:
        raise EngineError(f"flag needs an argument: {flag}\nSee 'docker {command} --help'.", 125)
    return rest.pop(0)
