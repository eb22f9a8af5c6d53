"""Shared by the tests of the verdict: events by hand, real runs, and the schemas that documents must fit."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from e2e.contract import contracts_folder, load_contract, scenarios_folder
from e2e.evidence import Event, Masker
from e2e.evidence.bundle import Bundle
from e2e.run.order import RunFacts, RunOrder
from e2e.run.result import RunResult
from e2e.run.session import SessionOptions, open_session
from e2e.run.verdict import conclude
from e2e.run.waiting import Interruption
from e2e.scenario.loader import load_scenario
from e2e.verdict.environment import Environment, parse_environment
from e2e.verdict.findings import Findings, read_findings
from e2e.verdict.policy import choose_policy

Told = tuple[str, Mapping[str, Any]]

REAL_RUNS = ("fresh_boot.yaml", "faults/runtime-ignores-plugin-mcp.yaml")


@pytest.fixture
def read() -> Callable[..., Findings]:
    """Return a function that reads findings from pairs of kind and data."""

    def read_told(*told: Told) -> Findings:
        time = datetime(2026, 6, 20, tzinfo=UTC)
        return read_findings(Event(seq, time, "run", kind, data) for seq, (kind, data) in enumerate(told, 1))

    return read_told


@pytest.fixture
def ended() -> Callable[..., Told]:
    """Return a function that tells the end of a stage."""

    def tell(stage: str, state: str = "established", saying: str = "seen", **more: Any) -> Told:
        return "stage_ended", {"stage": stage, "state": state, "last_observation": saying, **more}

    return tell


@pytest.fixture(scope="session")
def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of verdict and receipt by their file names."""
    names = ("verdict.schema.json", "session.schema.json")
    return {name: json.loads((contracts_folder() / name).read_text(encoding="utf-8")) for name in names}


@pytest.fixture(scope="session")
def misfits(schemas: dict[str, dict[str, Any]]) -> Callable[[str, object], list[str]]:
    """Return a function that lists what in a document does not fit the schema with this file name."""
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in schemas.items()
    )

    def list_misfits(name: str, document: object) -> list[str]:
        errors = Draft202012Validator(schemas[name], registry=registry).iter_errors(document)
        return [f"{error.json_path}: {error.message}" for error in errors]

    return list_misfits


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, RunResult]:
    """Boot a fresh concierge and one red proof in one session, and return the results by file name."""
    out = tmp_path_factory.mktemp("runs")
    session = open_session(
        SessionOptions(out=out, target="local"), {"E2E_STATE_DIR": str(out / "state")}, lambda _: None
    )
    scenarios = [load_scenario(scenarios_folder() / name) for name in REAL_RUNS]
    for scenario in scenarios:
        session.demand(scenario.path)
    results = [session.run_scenario(scenario) for scenario in scenarios]
    session.finish()
    return dict(zip(REAL_RUNS, results, strict=True))


@pytest.fixture
def order_of() -> Callable[..., RunOrder]:
    """Return a function that orders a run of a scenario file that travels with the harness, into a folder."""

    def order(
        which: str, folder: Path, run_id: str = "s.run.1", *, require_live: bool = False, **scenario: Any
    ) -> RunOrder:
        return RunOrder(
            run_id=run_id,
            session_id=run_id.split(".", maxsplit=1)[0],
            scenario=replace(load_scenario(scenarios_folder() / which), **scenario),
            policy=replace(choose_policy(Environment(), target_flag="local"), require_live=require_live),
            environment=parse_environment({}),
            contract=load_contract(),
            folder=folder,
            attached=None,
            interruption=Interruption(),
            say=lambda _: None,
        )

    return order


@pytest.fixture
def again(
    real: Mapping[str, RunResult], order_of: Callable[..., RunOrder], tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """Return a function that concludes again from the edited log of a real run, and returns the verdict.

    ``edit`` changes the events, ``raw`` the bytes of the log, ``touch`` the bundle; other keywords the scenario.
    """

    def conclude_again(
        which: str,
        edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = list,
        /,
        *,
        raw: Callable[[bytes], bytes] = bytes,
        touch: Callable[[Path], object] = bool,
        require_live: bool = False,
        ledger_closed: bool | None = True,
        **scenario: Any,
    ) -> dict[str, Any]:
        run, folder = real[which], tmp_path / "again"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run.folder, folder)
        lines = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        demanded = lines[0]["data"]
        log = "".join(json.dumps(line) + "\n" for line in edit(lines)).encode()
        (folder / "events.jsonl").write_bytes(raw(log))
        touch(folder)
        order = order_of(which, folder, demanded["run_id"], require_live=require_live, **scenario)
        facts = RunFacts(run.verdict["slug"], None, run.verdict["commands_sent"], ledger_closed)
        result = conclude(order, demanded, facts, Bundle(folder, masker=Masker()))
        assert json.loads((folder / "verdict.json").read_text()) == result.verdict
        assert (result.line.code, result.line.outcome) == (result.verdict["code"], result.verdict["outcome"])
        return result.verdict

    return conclude_again
