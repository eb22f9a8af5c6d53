"""``run --target staging``, rehearsed against a twin on loopback: the whole way, and everything that ends it early."""

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.twin
def test_a_staging_run_is_rehearsed_from_the_create_call_to_the_verdict(kept: dict[str, Any]) -> None:
    assert (kept["exit_code"], kept["outcome"], kept["claim"]) == (0, "proven", "row_by_agent"), kept["printed"]
    assert (kept["target"], kept["live"], kept["policy"]["live"]) == ("staging", False, False)
    assert {proof["status"] for proof in kept["proofs"]} == {"proven", "kept"}


@pytest.mark.twin
@pytest.mark.parametrize(
    ("change", "options", "cause", "code"),
    [
        ({"E2E_AWS_ACCOUNT": "999988887777"}, (), "not-a-staging-target", 2),
        ({"AWS_SECRET_ACCESS_KEY": "not-the-secret-0123456789"}, (), "aws-access-denied", 2),
        ({"MOLECULE_ADMIN_TOKEN": "not-the-token-0123456789"}, (), "control-plane-unauthorized", 2),
        ({}, ("--freeze", __file__), "staging-frozen", 2),
        ({"E2E_FREEZE": __file__}, (), "staging-frozen", 2),
        ({}, ("--max-live", "1"), "too-many-live-tenants", 3),
    ],
)
def test_a_run_that_must_not_begin_creates_nothing_and_says_why(
    change: dict[str, str], options: tuple[str, ...], cause: str, code: int,
    twin: Any, command: Any, kept: dict[str, Any], tmp_path: Path,
) -> None:  # fmt: skip
    assert kept["slug"]  # one tenant of ours is alive
    ended = command(
        "run",
        "--target",
        "staging",
        "--speed",
        100,
        "--out",
        tmp_path,
        *options,
        environment={**twin.staging, **change},
    )
    assert ended.code == code, ended.out + ended.err
    assert cause in ended.out
    assert not list(tmp_path.glob("*/*/ledger.jsonl"))


@pytest.mark.twin
@pytest.mark.parametrize(
    ("change", "options", "word"),
    [
        ({}, ("--require-live",), "is on loopback, which is not live"),
        ({"AWS_ENDPOINT_URL": ""}, (), "a rehearsal must not touch a real AWS account"),
        ({"MOLECULE_TENANT_DOMAIN": "staging.moleculesai.app"}, (), "does not say where its tenants are"),
        ({"MOLECULE_CP_URL": "https://api.moleculesai.app"}, (), "is not a staging control plane"),
        ({"MOLECULE_CP_URL": "https://staging-api.moleculesai.app"}, (), "AWS_ENDPOINT_URL"),
    ],
)
def test_a_staging_that_leads_elsewhere_is_refused_before_anything_is_asked(
    change: dict[str, str], options: tuple[str, ...], word: str, twin: Any, command: Any, tmp_path: Path
) -> None:
    ended = command("run", "--target", "staging", "--out", tmp_path, *options, environment={**twin.staging, **change})
    assert ended.code == 2
    assert word in ended.err
