"""Runs pytest in a fork for each line of JSON on stdin, and answers each with the exit status; imports once for all.

A line has ``folder``, ``arguments``, ``environment``, ``output`` (a file) and ``seconds`` after which a fork is killed.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import _pytest.config
import botocore.session  # noqa: F401 - imported before the forks, which need it
import pytest

import e2e.session_policy.owner  # noqa: F401 - as above


def _run(order: dict[str, object]) -> int:
    os.setsid()
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    added = os.environ.get("PYTHONPATH", "")
    sys.path[:0] = [str(Path(path).resolve()) for path in added.split(os.pathsep) if path]
    descriptor = os.open(str(order["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["pytest", *order["arguments"]]  # type: ignore[misc]
    return int(pytest.main())


def _wait(child: int, seconds: float) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


for name in _pytest.config.default_plugins:
    importlib.import_module(f"_pytest.{name}")
gc.collect()
gc.freeze()
for line in sys.stdin:
    given = json.loads(line)
    fork = os.fork()
    if fork == 0:
        sys.exit(_run(given))
    print(_wait(fork, given["seconds"]), flush=True)
