"""Reads test files as text: which tests they define, whatever pytest makes of them, and which of them test nothing.

The names are fixed (``test_…`` in functions, ``Test…`` or a base ``…TestCase`` for classes), so that no setting of
pytest can take a test out of the account.
"""

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_NEVER: Final = frozenset({"__pycache__", "node_modules", "build", "dist"})
_SWALLOWS: Final = frozenset({"AssertionError", "Exception", "BaseException"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Definitions:
    """The tests that files define, as node ids without parameters, and what is wrong with them as lines."""

    tests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def files_below(paths: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield every file with such a suffix that is named or lies below a folder that is named, each once.

    Hidden folders, virtual environments and build folders are left out.
    """
    seen: set[Path] = set()
    for path in paths:
        for file in _walk(path) if path.is_dir() else [path]:
            if file.suffix in suffixes and file.is_file() and file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NEVER and not name.startswith(".") and not (here / name / "pyvenv.cfg").exists()
        )
        yield from (here / name for name in sorted(files))


def read_definitions(file: Path, name: str) -> Definitions:
    """Return what ``file`` defines; ``name`` is how node ids of it begin."""
    found = Definitions()
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (OSError, SyntaxError, ValueError) as error:
        found.problems.append(f"{name}: cannot be read: {error}")
        return found
    _scope(tree.body, name, found)
    return found


def _scope(body: list[ast.stmt], prefix: str, found: Definitions) -> None:
    seen: set[str] = set()
    for node in _statements(body):
        if isinstance(node, _Function) and node.name.startswith("test_") and not _is_fixture(node):
            identity = f"{prefix}::{node.name}"
            if node.name in seen:
                found.problems.append(f"{identity}: defined twice: the second hides the first")
            else:
                found.tests.append(identity)
            seen.add(node.name)
            found.problems += [f"{identity}: line {line}: {why}" for line, why in _emptiness(node)]
        elif isinstance(node, ast.ClassDef) and _is_test_class(node):
            if node.name in seen:
                found.problems.append(f"{prefix}::{node.name}: defined twice: the second hides the first")
            seen.add(node.name)
            _scope(node.body, f"{prefix}::{node.name}", found)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a scope, also those under a condition: a test that is there only sometimes is a test."""
    for node in body:
        yield node
        if not isinstance(node, _Function | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, []))
            for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _statements(part.body)


def _is_test_class(node: ast.ClassDef) -> bool:
    return node.name.startswith("Test") or any(_last_name(base).endswith("TestCase") for base in node.bases)


def _is_fixture(node: _Function) -> bool:
    return any(_last_name(decorator) == "fixture" for decorator in node.decorator_list)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _emptiness(function: _Function) -> Iterator[tuple[int, str]]:
    """Yield the places of a test at which nothing is tested although it looks so."""
    if all(_says_nothing(node) for node in function.body):
        yield function.lineno, "its body is empty"
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            if isinstance(node.test, ast.Tuple) and node.test.elts:
                yield node.lineno, "asserts a tuple, which is always true"
            elif isinstance(node.test, ast.Constant) and node.test.value:
                yield node.lineno, "asserts a constant, which is always true"
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
            yield node.lineno, "compares and asserts nothing"
        elif isinstance(node, ast.Try) and _asserts(node.body):
            for handler in node.handlers:
                if _catches_assertions(handler.type) and all(_says_nothing(inner) for inner in handler.body):
                    yield handler.lineno, "swallows a failed assertion"
        elif isinstance(node, ast.With | ast.AsyncWith) and _asserts(node.body):
            for call in (item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)):
                if _last_name(call) == "suppress" and any(_catches_assertions(kind) for kind in call.args):
                    yield node.lineno, "swallows a failed assertion"


def _says_nothing(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Return) and node.value is None)
    )


def _asserts(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Assert) for statement in body for node in ast.walk(statement))


def _catches_assertions(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_catches_assertions(one) for one in kind.elts)
    return kind is None or _last_name(kind) in _SWALLOWS
