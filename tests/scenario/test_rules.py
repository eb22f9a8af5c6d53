"""The schema, the model and the defaults say the same."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from e2e.contract import contracts_folder
from e2e.scenario import (
    DEFAULT_FORBIDDEN_STANDING,
    PROOF_NAMES,
    TARGET_NAMES,
    OnlineRules,
    Scenario,
    ScenarioError,
    load_text,
)
from e2e.scenario.duration import seconds
from e2e.scenario.model import Boot

SCHEMA: dict[str, Any] = json.loads((contracts_folder() / "scenario.schema.json").read_text())
PROPERTIES: dict[str, Any] = SCHEMA["properties"]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_schema_and_model_know_the_same_names() -> None:
    assert tuple(PROPERTIES["prove"]["items"]["enum"]) == PROOF_NAMES
    assert tuple(PROPERTIES["targets"]["items"]["enum"]) == TARGET_NAMES
    fields = set(Scenario.__slots__)
    assert {"name" if key == "scenario" else key for key in PROPERTIES} == fields - {"path"}


def test_schema_and_model_have_the_same_defaults() -> None:
    assert tuple(PROPERTIES["prove"]["default"]) == PROOF_NAMES
    online = PROPERTIES["online"]["properties"]
    assert OnlineRules() == OnlineRules(seconds(online["within"]["default"]), seconds(online["hold"]["default"]))
    assert tuple(PROPERTIES["registry_log"]["properties"]["forbid_standing"]["default"]) == DEFAULT_FORBIDDEN_STANDING
    boot = PROPERTIES["boot"]["properties"]
    assert Boot(boot["template"]["default"], boot["image"]["default"]) == Boot()


def test_every_object_of_the_schema_is_closed() -> None:
    def objects(schema: object) -> list[dict[str, Any]]:
        if isinstance(schema, list):
            return [found for item in schema for found in objects(item)]
        if not isinstance(schema, dict):
            return []
        return ([schema] if schema.get("type") == "object" else []) + [
            f for item in schema.values() for f in objects(item)
        ]

    for schema in objects(SCHEMA):
        assert "additionalProperties" in schema


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*PROPERTIES, "name", "class", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(JSON)
def test_any_document_is_loaded_or_refused_with_places(document: object) -> None:
    text = json.dumps(document)
    try:
        load_text(text, Path("any.yaml"))
    except ScenarioError as error:
        assert error.problems
        assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in error.problems)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet=st.sampled_from("abs: -[]{}\n&*!?|>'\"#,1%@\t"), max_size=60))
def test_any_text_is_loaded_or_refused(text: str) -> None:
    try:
        load_text(text, Path("any.yaml"))
    except ScenarioError as error:
        assert error.problems
