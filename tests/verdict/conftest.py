"""Shared by the tests of the verdict: events by hand, and the schemas that documents must fit."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from e2e.contract import contracts_folder
from e2e.evidence import Event
from e2e.verdict.findings import Findings, read_findings

Told = tuple[str, Mapping[str, Any]]


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
