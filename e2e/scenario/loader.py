"""Turns a scenario file into a :class:`Scenario`, or says everything that is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from e2e.scenario.document import MAX_BYTES, Document, read_document
from e2e.scenario.duration import number_text, seconds
from e2e.scenario.model import (
    Boot,
    Expectation,
    FaultOption,
    OnlineRules,
    RegistryLogRules,
    Scenario,
    TwinOptions,
)
from e2e.scenario.problems import Problem, ScenarioError
from e2e.scenario.rules import schema_problems


def load_scenario(path: Path) -> Scenario:
    """Read the scenario file ``path``.

    Raises:
        ScenarioError: the file cannot be read or is not a valid scenario; it carries all problems with their places.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError(
            [Problem(path, 1, 1, f"cannot read the scenario file: {error.strerror or error}")]
        ) from error
    if len(data) > MAX_BYTES:
        raise ScenarioError([Problem(path, 1, 1, f"larger than {MAX_BYTES // 1024} KiB: this is not a scenario file")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise ScenarioError([Problem(path, line, column, "not UTF-8 text")]) from error
    return load_text(text, path)


def load_text(text: str, path: Path) -> Scenario:
    """Read ``text`` as the scenario that stands in ``path``.

    Raises:
        ScenarioError: it is not a valid scenario; it carries all problems with their places.
    """
    document = read_document(text, path)
    problems = list(document.problems)
    if document.value is not None or not problems:
        problems += schema_problems(document)
    if problems or not isinstance(document.value, Mapping):
        raise ScenarioError(problems)
    scenario = _scenario(document.value, path)
    problems = _disagreements(scenario, document)
    if problems:
        raise ScenarioError(problems)
    return scenario


def _scenario(values: Mapping[str, Any], path: Path) -> Scenario:
    given: dict[str, Any] = {}
    if "boot" in values:
        given["boot"] = Boot(**values["boot"])
    if "prove" in values:
        given["prove"] = tuple(values["prove"])
    if "online" in values:
        given["online"] = OnlineRules(**{f"{key}_seconds": seconds(value) for key, value in values["online"].items()})
    if "forbid_standing" in values.get("registry_log", {}):
        given["registry_log"] = RegistryLogRules(tuple(values["registry_log"]["forbid_standing"]))
    if "twin" in values:
        given["twin"] = _twin(values["twin"])
    if "expect" in values:
        expected = values["expect"]
        given["expect"] = Expectation(expected["outcome"], expected.get("class"), expected.get("cause"))
    if "exact" in values:
        given["exact"] = frozenset(values["exact"])
    return Scenario(
        name=values["scenario"],
        summary=values["summary"].strip(),
        targets=tuple(values["targets"]),
        path=path,
        **given,
    )


def _twin(values: Mapping[str, Any]) -> TwinOptions:
    faults = tuple(_fault(fault) for fault in values.get("faults", ()))
    return TwinOptions(**{**values, "faults": faults})


def _fault(values: Mapping[str, Any]) -> FaultOption:
    parameters = {key: _parameter(key, value) for key, value in values.items() if key != "name"}
    return FaultOption(values["name"], MappingProxyType(parameters))


def _parameter(key: str, value: object) -> str:
    if key in {"begin", "heal"}:
        return number_text(seconds(str(value)))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _disagreements(scenario: Scenario, document: Document) -> list[Problem]:
    """Return what no schema can say: values that are fine alone and contradict each other."""
    problems = []
    if scenario.online.hold_seconds >= scenario.online.within_seconds:
        hold, within = scenario.online.hold_seconds, scenario.online.within_seconds
        place = ("online", "hold") if ("online", "hold") in document.values_at else ("online", "within")
        message = f"online.hold ({number_text(hold)} s) must be shorter than online.within ({number_text(within)} s)"
        problems.append(document.problem(place, message))
    for index, fault in enumerate(scenario.twin.faults if scenario.twin else ()):
        begin, heal = (float(fault.parameters.get(key, default)) for key, default in (("begin", "0"), ("heal", "inf")))
        if heal <= begin:
            problems.append(document.problem(("twin", "faults", index, "heal"), "a fault must heal after it begins"))
    return problems
