"""The schemas of verdict and receipt say what the code says, word for word."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from e2e.evidence import Masker
from e2e.evidence.bundle import Bundle
from e2e.report.summary import verdict_lines
from e2e.run.order import RunOrder
from e2e.run.stages import StageState
from e2e.run.unrun import crashed_run, nothing_live_run, refused_run, skipped_run
from e2e.scenario import PROOF_NAMES
from e2e.scenario.model import TARGET_NAMES
from e2e.verdict.causes import CAUSES
from e2e.verdict.classes import MEANINGS, OK, CauseClass, Outcome
from e2e.verdict.document import VERDICT_VERSION, Judged
from e2e.verdict.ladder import CLAIMS
from e2e.verdict.policy import KEEP_CHOICES, Policy
from e2e.verdict.proofs import STAGES, ProofStatus
from e2e.verdict.receipt import RunLine

Schemas = dict[str, dict[str, Any]]


@pytest.fixture
def verdict(schemas: Schemas) -> dict[str, Any]:
    """Return the schema of the verdict."""
    return schemas["verdict.schema.json"]


def objects(schema: Any) -> list[dict[str, Any]]:
    """Return every part of a schema that describes an object by its keys."""
    if isinstance(schema, list):
        return [found for part in schema for found in objects(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if "object" in str(schema.get("type", "")) else []
    return own + [found for part in schema.values() for found in objects(part)]


@pytest.mark.parametrize("name", ["verdict.schema.json", "session.schema.json"])
def test_a_schema_is_one_and_is_closed_but_for_what_the_platform_says_itself(name: str, schemas: Schemas) -> None:
    Draft202012Validator.check_schema(schemas[name])
    described = [part for part in objects(schemas[name]) if "properties" in part]
    assert described
    assert all(part["additionalProperties"] is False for part in described)


def test_the_words_of_the_schema_are_those_of_the_code(verdict: dict[str, Any]) -> None:
    parts, words = verdict["properties"], verdict["$defs"]
    assert parts["verdict_version"]["const"] == VERDICT_VERSION
    assert words["stage"]["enum"] == list(STAGES)
    assert words["class"]["enum"] == list(get_args(CauseClass))
    assert parts["outcome"]["enum"] == list(get_args(Outcome))
    assert set(words["code"]["enum"]) == set(MEANINGS)
    assert set(words["failure_code"]["enum"]) == set(MEANINGS) - {OK}
    assert words["target"]["enum"] == list(TARGET_NAMES)
    assert parts["claim"]["enum"] == list(CLAIMS)
    assert parts["proofs"]["items"]["properties"]["status"]["enum"] == list(get_args(ProofStatus))
    assert parts["stages"]["items"]["properties"]["state"]["enum"] == list(get_args(StageState))
    assert set(PROOF_NAMES) <= set(words["stage"]["enum"])
    assert words["policy"]["properties"]["keep"]["enum"] == list(KEEP_CHOICES)


def test_the_policy_has_every_key_that_the_policy_writes(verdict: dict[str, Any]) -> None:
    policy = Policy(require_live=False, target="local", live=False, rehearse=False, keep="never", speed=1.0)
    assert set(verdict["$defs"]["policy"]["required"]) == set(policy.as_document())
    assert set(verdict["$defs"]["policy"]["properties"]) == set(policy.as_document())


def test_a_line_of_the_receipt_has_every_key_that_a_line_writes(schemas: Schemas) -> None:
    line = RunLine("s.x.1", "x", "x.yaml", "proven", None, None, None, 0, None)
    items = schemas["session.schema.json"]["properties"]["runs"]["items"]
    assert set(items["required"]) == set(items["properties"]) == set(line.document())


def test_every_cause_fits_the_form_of_a_cause(verdict: dict[str, Any]) -> None:
    form = Draft202012Validator(verdict["$defs"]["id"])
    assert [cause.id for cause in CAUSES if not form.is_valid(cause.id)] == []
    assert not form.is_valid("No Cause")


@pytest.mark.parametrize("which", ["fresh_boot.yaml", "faults/mcp-not-delivered.yaml"])
@pytest.mark.parametrize("how", ["skipped", "nothing live", "refused", "crashed"])
def test_the_verdict_of_a_run_that_never_began_fits_as_well(
    which: str,
    how: str,
    order_of: Callable[..., RunOrder],
    tmp_path: Path,
    misfits: Callable[[str, object], list[str]],
) -> None:
    order = order_of(which, tmp_path / "run")
    if how == "skipped":
        result = skipped_run(order)
    elif how == "nothing live":
        result = nothing_live_run(order)
    elif how == "crashed":
        result = crashed_run(order, KeyError("x"))
    else:
        judged = Judged("error", "CONFIG", "target-refused", (2,), 2, None, "none", "no such image")
        result = refused_run(order, Bundle.create(order.folder, masker=Masker()), judged)
    assert misfits("verdict.schema.json", result.verdict) == []
    assert verdict_lines(result.verdict, str(result.folder))
