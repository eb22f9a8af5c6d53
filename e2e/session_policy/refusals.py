"""What a require-live session refuses before it begins: options and surroundings under which nothing is tested."""

from collections.abc import Mapping
from typing import Final

import pytest

_OPTIONS: Final[Mapping[str, str]] = {
    "collectonly": "--collect-only",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "markers": "--markers",
    "help": "--help",
    "version": "--version",
    "cacheshow": "--cache-show",
    "reruns": "--reruns",
}
"""Options of pytest and of its common plugins under which no test runs, or a failed one gets another chance."""

_PLUGINS: Final = ("warnings", "threadexception", "unraisableexception", "skipping", "unittest", "runner", "python")
"""Plugins of pytest without which a failure goes unseen."""

_ENVIRONMENT: Final = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONOPTIMIZE")
"""Names in the environment that change what pytest does without anybody reading it on the command line."""


def answers(option: object) -> bool:
    """Return whether pytest answers one of its options and runs no test, whatever becomes of the session."""
    return any(getattr(option, name, None) for name in _OPTIONS)


def pytest_refusals(config: pytest.Config, environ: Mapping[str, str], *, optimised: int) -> list[str]:
    """Return why this pytest session cannot prove anything, a line each. ``optimised`` is ``sys.flags.optimize``."""
    lines = [
        f"{words} tests nothing, and live proof is demanded; leave it out"
        for name, words in _OPTIONS.items()
        if getattr(config.option, name, None)
    ]
    lines += [
        f"{name}={environ[name]!r} is set in the environment, and live proof is demanded; unset it"
        for name in _ENVIRONMENT
        if environ.get(name, "").strip() not in {"", "0"}
    ]
    if optimised and environ.get("PYTHONOPTIMIZE", "").strip() in {"", "0"}:
        lines.append("Python runs with -O, which removes every assert; leave it out")
    lines += [
        f"-p no:{name} keeps failures from being seen; leave it out"
        for name in _PLUGINS
        if config.pluginmanager.is_blocked(name)
    ]
    return lines
