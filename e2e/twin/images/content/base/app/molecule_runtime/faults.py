"""The misbehaviour that the embedded staging asks of this container; nothing of the kind is in a platform's image.

The plan is JSON in one variable of the environment, the same that the staging's own parts follow: which faults there
are, from when to when (platform seconds since the staging started), and where the trace is kept that they acted. The
monotonic clock it counts by is the machine's, which all processes on it share. Without the variable nothing is on.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["PLAN_VARIABLE", "acts", "hold_while", "parameters"]

PLAN_VARIABLE = "TWIN_FAULT_PLAN"
_LOOK_AGAIN_SECONDS = 0.02


def parameters(name: str, environment: Mapping[str, str] | None = None) -> Mapping[str, float] | None:
    """Return the parameters of the fault ``name`` if it is on now, else ``None``; asking leaves no trace."""
    plan = _plan(environment)
    if plan is None:
        return None
    age = _age(plan)
    for fault in plan["faults"]:
        heal = fault["heal"]
        if fault["name"] == name and fault["begin"] <= age and (heal is None or age < heal):
            found: Mapping[str, float] = fault["parameters"]
            return found
    return None


def acts(name: str, where: str, environment: Mapping[str, str] | None = None) -> bool:
    """Say whether the fault ``name`` is on now; if it is, the trace gets a line that it acted at ``where``."""
    plan = _plan(environment)
    if plan is None or parameters(name, environment) is None:
        return False
    line = json.dumps({"fault": name, "where": where, "age": round(_age(plan), 3), "pid": os.getpid()})
    # A container that cannot reach the trace misbehaves all the same; the fault then counts as one that never acted.
    with contextlib.suppress(OSError), open(plan["trace"], "a", encoding="utf-8") as trace:  # noqa: PTH123 - starts often
        trace.write(line + "\n")
    return True


def hold_while(name: str, where: str) -> bool:
    """Do not return while the fault ``name`` is on; say whether it was, and leave a trace that it acted."""
    held = acts(name, where)
    while parameters(name) is not None:
        time.sleep(_LOOK_AGAIN_SECONDS)
    return held


def _plan(environment: Mapping[str, str] | None) -> dict[str, Any] | None:
    text = (os.environ if environment is None else environment).get(PLAN_VARIABLE)
    return json.loads(text) if text else None


def _age(plan: Mapping[str, Any]) -> float:
    return (time.monotonic() - float(plan["started"])) * float(plan["speed"])
