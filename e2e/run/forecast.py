"""What a run would create, call, wait for and use up, told before anything is touched."""

from dataclasses import dataclass
from typing import Any

from e2e.run.hold import SETTLE_WINDOW
from e2e.run.plan import CAPS, LATE_LOOK, ROW_SETTLES, RUN_DEADLINE, SAMPLE_EVERY, TEARDOWN_BUDGET
from e2e.scenario.model import Scenario
from e2e.verdict.environment import Environment

COMMANDS = 4
"""SSM commands of a proven boot: one echo and three looks, each one for all hosts of the run."""
MACHINES = 4
"""Machines of one run: the tenant's, the concierge's, and one for each workspace that probe and agent create."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of one scenario; seconds are platform seconds."""

    scenario: str
    path: str
    creates: tuple[str, ...]
    calls: dict[str, str]
    waits: dict[str, float]
    caps: dict[str, float]
    least_seconds: float
    most_seconds: float
    most_machine_minutes: float
    impossible: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the forecast as JSON holds it."""
        return {name: getattr(self, name) for name in self.__slots__}


def forecast(scenario: Scenario, environment: Environment) -> Forecast:
    """Return what a run of this scenario comes to, by the same figures that the run itself goes by."""
    hold = scenario.online.hold_seconds
    settle = environment.settle_seconds if environment.settle_seconds is not None else SETTLE_WINDOW
    caps = {**CAPS, "online": scenario.online.within_seconds, **environment.caps}
    most = RUN_DEADLINE + TEARDOWN_BUDGET
    return Forecast(
        scenario=scenario.name,
        path=str(scenario.path),
        creates=(
            "1 organisation (slug e2e-boot-…), with a tenant machine and a concierge machine",
            "2 workspaces: one by a tool call of the probe, one by the agent in its own turn",
        ),
        calls={
            "control plane": f"1 create, 1 token, 1 diagnosis, 1 purge; its list every {SAMPLE_EVERY:g} s at boot",
            "tenant": f"the concierge's row every {SAMPLE_EVERY:g} s; 2 register calls that are refused; 1 chat turn",
            "ec2": "DescribeInstances, while hosts are looked for and after the purge",
            "ssm": f"{COMMANDS} SendCommand (at most 8), each for all hosts of the run",
            "sts": "1 GetCallerIdentity",
            "model": "1 turn of the agent",
        },
        waits={
            "hold online": hold,
            "created row stays": ROW_SETTLES,
            "a failed row settles (only if it fails)": settle,
            "late look for instances": LATE_LOOK,
        },
        caps=caps,
        least_seconds=hold + ROW_SETTLES + LATE_LOOK,
        most_seconds=most,
        most_machine_minutes=MACHINES * most / 60.0,
        impossible=tuple(_impossible(hold)),
    )


def _impossible(hold: float) -> list[str]:
    problems = []
    if hold + ROW_SETTLES > RUN_DEADLINE:
        problems.append(
            f"the hold ({hold:g} s) and the {ROW_SETTLES:g} s after the created row exceed the deadline of the run"
            f" ({RUN_DEADLINE:g} s): it could never be proven"
        )
    if LATE_LOOK > TEARDOWN_BUDGET:
        problems.append(f"the late look ({LATE_LOOK:g} s) exceeds the teardown budget ({TEARDOWN_BUDGET:g} s)")
    return problems
