"""Reads one YAML document into plain values and remembers where each key and value stands.

Only the composer of PyYAML is used: it builds nodes with marks and constructs nothing. What a scenario may not contain
(tags, several documents, duplicate keys, aliases that grow without bound) is refused here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import yaml

from e2e.scenario.problems import Problem

MAX_BYTES: Final = 64 * 1024
"""A scenario file is a page of text; what is larger is something else."""

MAX_VALUES: Final = 5_000
MAX_DEPTH: Final = 40

# libyaml's composer calls itself once per level and ends the process with a segmentation fault somewhere above 5,000
# levels (measured with PyYAML 6.0.3). A text with fewer openers than this cannot nest that deep; others are
# counted through first, event by event, which does not recurse.
_HARMLESS_OPENERS: Final = 1_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    """A position of either parser of PyYAML; both count from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


Place: TypeAlias = tuple[str | int, ...]
"""The way to a value from the top of the document: keys and list positions."""


@dataclass(frozen=True, slots=True)
class UnquotedDate:
    """A plain scalar that YAML reads as a date; JSON Schema has no such type, so it fits nowhere."""

    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file, where they stand, and what was already wrong with them."""

    path: Path
    value: object
    values_at: Mapping[Place, tuple[int, int]]
    keys_at: Mapping[Place, tuple[int, int]]
    problems: tuple[Problem, ...]

    def problem(self, place: Place, message: str, *, at_key: bool = False) -> Problem:
        """Return a problem at the value (or key) that ``place`` names, or at the nearest thing above it."""
        if at_key and place in self.keys_at:
            return Problem(self.path, *self.keys_at[place], message)
        for end in range(len(place), -1, -1):
            if place[:end] in self.values_at:
                return Problem(self.path, *self.values_at[place[:end]], message)
        return Problem(self.path, 1, 1, message)


@dataclass(slots=True)
class _Walk:
    path: Path
    values_at: dict[Place, tuple[int, int]] = field(default_factory=dict)
    keys_at: dict[Place, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0


class _TooMuchError(Exception):
    def __init__(self, place: tuple[int, int], message: str) -> None:
        self.place = place
        super().__init__(message)


def read_document(text: str, path: Path) -> Document:
    """Read ``text`` as one YAML document; everything that is wrong is in ``problems``, nothing is raised."""
    walk = _Walk(path)
    value: object = None
    try:
        _refuse_depth(text)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            walk.problems.append(
                Problem(path, 1, 1, "the file is empty: a scenario needs at least scenario, summary and targets")
            )
        else:
            value = _value(node, (), walk, frozenset())
    except _TooMuchError as error:
        walk.problems.append(Problem(path, *error.place, str(error)))
    except yaml.MarkedYAMLError as error:
        walk.problems.append(_syntax_problem(error, path))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        walk.problems.append(Problem(path, line, column, f"not YAML: {error.reason}"))
    return Document(path, value, walk.values_at, walk.keys_at, tuple(walk.problems))


def _refuse_depth(text: str) -> None:
    if sum(map(text.count, "[{-?:")) < _HARMLESS_OPENERS:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _TooMuchError(_position(event.start_mark), f"nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax_problem(error: yaml.MarkedYAMLError, path: Path) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = _position(mark)
    if error.problem == "but found another document":
        return Problem(path, line, column, "a second document begins here: one scenario per file")
    reason = " ".join(part for part in (error.context, error.problem) if part)
    return Problem(path, line, column, f"not YAML: {reason}")


def _position(mark: _Mark | None) -> tuple[int, int]:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _value(node: yaml.Node, place: Place, walk: _Walk, above: frozenset[int]) -> object:
    walk.values += 1
    if walk.values > MAX_VALUES:
        raise _TooMuchError(_position(node.start_mark), f"more than {MAX_VALUES} values once aliases are followed")
    if id(node) in above:
        raise _TooMuchError(_position(node.start_mark), "this anchor contains an alias of itself")
    if len(above) >= MAX_DEPTH:
        raise _TooMuchError(_position(node.start_mark), f"nested deeper than {MAX_DEPTH} levels")
    walk.values_at[place] = _position(node.start_mark)
    inside = above | {id(node)}
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_value(item, (*place, index), walk, inside) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        return _mapping(node, place, walk, inside)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, walk)
    _refuse_tag(node, walk)
    return None


def _mapping(node: yaml.MappingNode, place: Place, walk: _Walk, inside: frozenset[int]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key_node, value_node in node.value:
        line, column = _position(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag in {_tag("null"), _tag("merge")}:
            walk.problems.append(Problem(walk.path, line, column, "a key must be a word"))
            continue
        key = str(key_node.value)
        if key in result:
            first = walk.keys_at[*place, key][0]
            walk.problems.append(
                Problem(walk.path, line, column, f"duplicate key '{key}': it is already set in line {first}")
            )
            continue
        walk.keys_at[*place, key] = (line, column)
        result[key] = _value(value_node, (*place, key), walk, inside)
    return result


def _scalar(node: yaml.ScalarNode, walk: _Walk) -> object:
    text = str(node.value)
    kind = node.tag.removeprefix(_tag(""))
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "timestamp":
        return UnquotedDate(text)
    if kind in {"bool", "int", "float"}:
        try:
            return _number_or_bool(kind, text)
        except (KeyError, ValueError):
            walk.problems.append(
                Problem(walk.path, *_position(node.start_mark), f"'{text}' is not of YAML type {kind}")
            )
            return None
    _refuse_tag(node, walk)
    return None


def _number_or_bool(kind: str, text: str) -> object:
    if kind == "bool":
        return yaml.SafeLoader.bool_values[text.lower()]
    constructor = yaml.constructor.SafeConstructor()
    node = yaml.ScalarNode(_tag(kind), text)
    value: object = constructor.construct_yaml_int(node) if kind == "int" else constructor.construct_yaml_float(node)
    return value


def _refuse_tag(node: yaml.Node, walk: _Walk) -> None:
    name = node.tag.replace(_tag(""), "!!")
    walk.problems.append(
        Problem(walk.path, *_position(node.start_mark), f"the YAML tag {name} has no meaning in a scenario")
    )


def _tag(name: str) -> str:
    return f"tag:yaml.org,2002:{name}"
