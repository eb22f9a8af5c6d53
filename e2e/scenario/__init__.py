"""Scenario files: what they say, how they are read, and where they are found."""

from e2e.scenario.loader import load_scenario, load_text
from e2e.scenario.model import (
    DEFAULT_FORBIDDEN_STANDING,
    DEFAULT_HOLD_SECONDS,
    DEFAULT_WITHIN_SECONDS,
    LIVE_TARGETS,
    PROOF_NAMES,
    TARGET_NAMES,
    Boot,
    Expectation,
    FaultOption,
    OnlineRules,
    RegistryLogRules,
    Scenario,
    TwinOptions,
)
from e2e.scenario.problems import Problem, ScenarioError, did_you_mean
from e2e.scenario.selection import applicable, collect_scenario_files, named_directly

__all__ = [
    "DEFAULT_FORBIDDEN_STANDING",
    "DEFAULT_HOLD_SECONDS",
    "DEFAULT_WITHIN_SECONDS",
    "LIVE_TARGETS",
    "PROOF_NAMES",
    "TARGET_NAMES",
    "Boot",
    "Expectation",
    "FaultOption",
    "OnlineRules",
    "Problem",
    "RegistryLogRules",
    "Scenario",
    "ScenarioError",
    "TwinOptions",
    "applicable",
    "collect_scenario_files",
    "did_you_mean",
    "load_scenario",
    "load_text",
    "named_directly",
]
