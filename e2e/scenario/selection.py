"""Finds the scenario files that a command line names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from e2e.scenario.model import Scenario
from e2e.scenario.problems import Problem, ScenarioError

_SUFFIXES: Final = frozenset({".yaml", ".yml"})


def collect_scenario_files(paths: Sequence[Path]) -> list[Path]:
    """Return the scenario files that ``paths`` name, sorted, each once; a folder stands for all files below it.

    Raises:
        ScenarioError: a path does not exist, or a named file is not YAML. An empty folder is not an error here.
    """
    found: dict[Path, Path] = {}
    problems = []
    for path in paths:
        if path.is_dir():
            files = [
                file
                for file in path.rglob("*")
                if file.suffix in _SUFFIXES and file.is_file() and not _hidden(file, path)
            ]
            for file in files:
                found.setdefault(file.resolve(), file)
        elif not path.exists():
            problems.append(Problem(path, 1, 1, "no such scenario file or folder"))
        elif path.suffix not in _SUFFIXES:
            problems.append(Problem(path, 1, 1, "not a scenario file: its name does not end in .yaml"))
        else:
            found.setdefault(path.resolve(), path)
    if problems:
        raise ScenarioError(problems)
    return sorted(found.values())


def named_directly(file: Path, paths: Sequence[Path]) -> bool:
    """True if ``file`` itself is among ``paths``, not merely in a folder that is."""
    return any(path.resolve() == file.resolve() for path in paths)


def applicable(scenario: Scenario, target: str) -> bool:
    """True if the scenario lists ``target``."""
    return target in scenario.targets


def _hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
