"""``concierge-e2e plan``: what scenarios would create, call, wait for and use up. Touches nothing."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from e2e.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.run.forecast import Forecast
    from e2e.scenario.model import Scenario


@click.command(epilog="Example: concierge-e2e plan scenarios/fresh_boot.yaml --target staging")
@click.argument("scenario", nargs=-1, type=click.Path(path_type=Path))
@click.option("--target", metavar="T", default=None, help="local, docker or staging (default: by the policy).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def plan(scenario: tuple[Path, ...], target: str | None, as_json: bool) -> None:
    """Say what each SCENARIO would create, call, wait for and use up; no request is sent.

    Without SCENARIO it is scenarios/fresh_boot.yaml. Ends 2 where a budget is impossible or the policy refuses it.
    """
    from e2e.contract import scenarios_folder
    from e2e.run.forecast import forecast
    from e2e.scenario.loader import load_scenario
    from e2e.scenario.problems import ScenarioError
    from e2e.scenario.selection import collect_scenario_files
    from e2e.verdict.classes import CONFIG_WRONG
    from e2e.verdict.environment import ConfigurationError, parse_environment

    paths = scenario or (scenarios_folder() / "fresh_boot.yaml",)
    try:
        environment = parse_environment(os.environ)
        loaded = [load_scenario(file) for file in collect_scenario_files(paths)]
        chosen = target or environment.target or ("staging" if environment.require_live else "local")
        loaded, refusals = _applicable(loaded, chosen, paths)
        forecasts = [forecast(one, environment) for one in loaded]
    except (ConfigurationError, ScenarioError) as error:
        say(str(error), err=True)
        sys.exit(CONFIG_WRONG)
    if not loaded:
        for problem in refusals or ["no scenario file (*.yaml) that is for this target in what was named"]:
            say(problem, err=True)
        sys.exit(CONFIG_WRONG)
    refusals += [f"{one.path}: {problem}" for one in forecasts for problem in one.impossible]
    if as_json:
        document = {"target": chosen, "runs": [one.document() for one in forecasts], "refused": refusals}
        say(json.dumps(document, indent=2))
    else:
        for one in forecasts:
            for line in _lines(one, chosen):
                say(line)
    for problem in refusals:
        say(problem, err=True)
    sys.exit(CONFIG_WRONG if refusals else 0)


def _applicable(
    scenarios: "Sequence[Scenario]", target: str, paths: "Sequence[Path]"
) -> "tuple[list[Scenario], list[str]]":
    """Return the scenarios for a target, and why they or others could not be run; credentials are not looked at.

    One that is for another target is refused only where its file itself was named.

    Raises:
        ConfigurationError: there is no such target.
    """
    from e2e.scenario.model import LIVE_TARGETS, TARGET_NAMES
    from e2e.scenario.selection import named_directly
    from e2e.verdict.environment import ConfigurationError, unknown_target
    from e2e.verdict.policy import Policy, scenario_refusals

    if target not in TARGET_NAMES:
        raise ConfigurationError((unknown_target(target, "--target"),))
    live = target in LIVE_TARGETS
    policy = Policy(live, target, live, False, "never", 1.0)
    applicable = [scenario for scenario in scenarios if target in scenario.targets]
    problems = [line for scenario in applicable for line in scenario_refusals(policy, scenario)]
    problems += [
        f"{scenario.path}: is for {', '.join(scenario.targets)}, not for target {target}"
        for scenario in scenarios
        if scenario not in applicable and named_directly(scenario.path, paths)
    ]
    return applicable, problems


def _lines(forecast: "Forecast", target: str) -> list[str]:
    lines = [f"{forecast.scenario} on {target} (seconds are platform seconds)"]
    lines += [f"  creates: {text}" for text in forecast.creates]
    lines += [f"  calls:   {name}: {text}" for name, text in forecast.calls.items()]
    lines += [f"  waits:   {seconds:g} s  {name}" for name, seconds in forecast.waits.items()]
    lines += [f"  cap:     {seconds:g} s  {name}" for name, seconds in forecast.caps.items()]
    lines.append(
        f"  time:    at least {forecast.least_seconds:g} s beside the boot, at most {forecast.most_seconds:g} s"
    )
    lines.append(f"  cost:    at most {forecast.most_machine_minutes:g} machine minutes and one turn of the model")
    return lines
