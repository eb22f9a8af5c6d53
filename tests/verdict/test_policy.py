"""Require-live: what it demands, and that nothing loosens it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.evidence import Secret
from e2e.scenario import PROOF_NAMES, Scenario, load_text
from e2e.verdict.environment import ConfigurationError, Environment
from e2e.verdict.policy import FLOOR, Policy, choose_policy, scenario_refusals

READY = Environment(admin_token=Secret("swordfish-4711"), aws_account="123456789012")


def choose(environment: Environment = READY, *, aws: bool = True, **flags: Any) -> Policy:
    return choose_policy(environment, aws_credentials_found=lambda: aws, **flags)


def problems_of(environment: Environment = READY, *, aws: bool = True, **flags: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        choose(environment, aws=aws, **flags)
    return refused.value.problems


def test_without_a_word_the_target_is_local_and_fast() -> None:
    policy = choose(Environment(), aws=False)
    assert (policy.target, policy.live, policy.require_live) == ("local", False, False)
    assert (policy.speed, policy.keep, policy.rehearse) == (100, "never", False)
    assert not policy.nothing_live
    assert not policy.skipped
    assert policy.exit_code_when_proven == 0


@pytest.mark.parametrize(
    ("environment", "flags"),
    [(replace(READY, require_live=True), {}), (READY, {"require_live_flag": True})],
)
def test_require_live_goes_to_staging_by_default(environment: Environment, flags: dict[str, Any]) -> None:
    policy = choose(environment, **flags)
    assert (policy.target, policy.live, policy.require_live, policy.speed) == ("staging", True, True, 1)
    assert policy.exit_code_when_proven == 0


def test_a_flag_tightens_what_the_environment_leaves_open() -> None:
    assert choose(replace(READY, require_live=False), require_live_flag=True).require_live


def test_ci_on_staging_demands_live_proof_whatever_the_environment_says() -> None:
    for said in (None, False):
        policy = choose(replace(READY, continuous_integration=True, target="staging", require_live=said))
        assert policy.require_live
        assert any("CI is set" in reason for reason in policy.reasons)


def test_ci_alone_stays_local() -> None:
    assert not choose(replace(READY, continuous_integration=True)).require_live


@pytest.mark.parametrize("target", ["local", "docker"])
def test_nothing_live_can_be_proven_on_an_embedded_target(target: str) -> None:
    policy = choose(target_flag=target, require_live_flag=True)
    assert policy.nothing_live
    assert policy.exit_code_when_proven == 5
    assert "NOTHING LIVE" in policy.header


def test_a_rehearsal_runs_and_never_ends_green() -> None:
    policy = choose(target_flag="local", require_live_flag=True, rehearse_flag=True)
    assert policy.rehearse
    assert not policy.nothing_live
    assert policy.exit_code_when_proven == 5
    assert "REHEARSAL" in policy.header


def test_a_rehearsal_without_require_live_is_an_ordinary_run() -> None:
    policy = choose(rehearse_flag=True)
    assert not policy.rehearse
    assert policy.exit_code_when_proven == 0


def test_a_rehearsal_of_the_live_platform_is_a_contradiction() -> None:
    (problem,) = problems_of(target_flag="staging", rehearse_flag=True)
    assert "--rehearse is for an embedded target" in problem


def test_missing_credentials_are_a_loud_skip_without_require_live() -> None:
    policy = choose(Environment(), aws=False, target_flag="staging")
    assert policy.skipped
    assert len(policy.missing) == 2
    assert "SKIPPED" in policy.header
    assert "passed" not in policy.header


def test_missing_credentials_under_require_live_are_an_error_with_a_line_each() -> None:
    problems = problems_of(Environment(), aws=False, require_live_flag=True)
    assert [problem.split(" ")[0] for problem in problems] == ["MOLECULE_ADMIN_TOKEN", "AWS", "E2E_AWS_ACCOUNT"]


@pytest.mark.parametrize(
    ("environment", "aws", "word"),
    [
        (replace(READY, admin_token=None), True, "MOLECULE_ADMIN_TOKEN"),
        (READY, False, "AWS"),
        (replace(READY, aws_account=None), True, "E2E_AWS_ACCOUNT"),
    ],
)
def test_any_one_thing_missing_is_enough(environment: Environment, aws: bool, word: str) -> None:
    (problem,) = problems_of(environment, aws=aws, require_live_flag=True)
    assert problem.startswith(word)


def test_an_empty_token_is_called_empty() -> None:
    (problem,) = problems_of(replace(READY, admin_token=None, empty=("MOLECULE_ADMIN_TOKEN",)), require_live_flag=True)
    assert "is set but empty" in problem


def test_with_credentials_the_account_must_be_named() -> None:
    (problem,) = problems_of(replace(READY, aws_account=None), target_flag="staging")
    assert problem.startswith("E2E_AWS_ACCOUNT is not set")


def test_credentials_are_not_looked_for_on_an_embedded_target() -> None:
    def looked() -> bool:
        raise AssertionError

    assert choose_policy(Environment(), aws_credentials_found=looked).target == "local"


def test_the_environment_names_the_target() -> None:
    assert choose(replace(READY, target="docker")).target == "docker"
    assert choose(replace(READY, target="docker"), target_flag="local").target == "local"


def test_a_flag_cannot_lead_away_from_the_live_platform() -> None:
    (problem,) = problems_of(replace(READY, target="staging"), target_flag="local")
    assert problem.startswith("--target local would loosen E2E_TARGET=staging")


def test_an_unknown_target_gets_a_guess() -> None:
    (problem,) = problems_of(target_flag="stagging")
    assert problem == "unknown target 'stagging' in --target; did you mean 'staging'? (one of: local, docker, staging)"


@pytest.mark.parametrize(
    "url", ["https://api.moleculesai.app", "http://staging-api.moleculesai.app", "https://evil.example"]
)
def test_other_control_planes_are_refused(url: str) -> None:
    (problem,) = problems_of(replace(READY, control_plane_url=url), target_flag="staging")
    assert "is not a staging control plane" in problem


def test_a_control_plane_on_loopback_is_never_live() -> None:
    environment = replace(READY, control_plane_url="http://127.0.0.1:8080")
    assert not choose(environment, target_flag="staging").live
    (problem,) = problems_of(environment, require_live_flag=True)
    assert "on loopback, which is not live" in problem


@pytest.mark.parametrize("speed", [100.0, 0.5])
def test_the_live_platform_has_its_own_speed(speed: float) -> None:
    (problem,) = problems_of(target_flag="staging", speed_flag=speed)
    assert "impossible on staging" in problem
    assert choose(target_flag="staging", speed_flag=1.0).speed == 1


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_is_a_number_above_zero(speed: float) -> None:
    (problem,) = problems_of(speed_flag=speed)
    assert "is not a number greater than zero" in problem


def test_a_staging_run_that_is_rehearsed_on_loopback_goes_at_the_speed_of_its_twin() -> None:
    environment = replace(READY, control_plane_url="http://127.0.0.1:8080")
    assert choose(environment, target_flag="staging", speed_flag=100.0).speed == 100
    assert choose(environment, target_flag="staging").speed == 1


def test_an_embedded_target_takes_any_speed() -> None:
    assert choose(speed_flag=7.0).speed == 7


def test_what_is_kept_follows_flag_and_environment() -> None:
    assert choose(keep_flag="on-failure").keep == "on-failure"
    assert choose(replace(READY, keep_org=True)).keep == "always"
    assert choose(replace(READY, keep_org=True), keep_flag="never").keep == "never"
    assert choose(replace(READY, keep_org=False)).keep == "never"
    (problem,) = problems_of(replace(READY, keep_org=False), keep_flag="always")
    assert "would loosen E2E_KEEP_ORG=0" in problem
    (problem,) = problems_of(keep_flag="forever")
    assert problem.startswith("--keep forever is unknown")


def test_all_contradictions_come_at_once() -> None:
    assert len(problems_of(Environment(), aws=False, require_live_flag=True, speed_flag=2.0, rehearse_flag=True)) == 5


def test_the_policy_goes_into_the_verdict_whole() -> None:
    policy = choose(require_live_flag=True)
    document = policy.as_document()
    assert set(document) == set(Policy.__slots__)
    assert document["reasons"] == ["require-live: --require-live", "target staging: the default under require-live"]
    assert policy.header == "policy: target staging (live), require-live, speed 1, keep never"


def scenario(**changes: Any) -> Scenario:
    base = load_text("scenario: a\nsummary: b\ntargets: [staging, local]\n", Path("a.yaml"))
    return replace(base, **changes)


EXPECTING = "scenario: a\nsummary: b\ntargets: [staging]\nexpect: {outcome: failed, class: PRODUCT, cause: x}\n"
UNDER_THE_FLOOR = {
    "prove": "prove: [presence_reported, registered, online, tool_listed, workspace_created, agent_acted, torn_down]",
    "hold": "online: {hold: 239s}",
    "registry log": 'registry_log: {forbid_standing: ["reason=platform_agent_", "RCA #2970 FAIL-CLOSED"]}',
}


def test_the_floor_is_every_proof() -> None:
    assert FLOOR == PROOF_NAMES


LIVE: dict[str, Any] = {"target_flag": "staging"}
REHEARSED: dict[str, Any] = {"target_flag": "local", "require_live_flag": True, "rehearse_flag": True}


@pytest.mark.parametrize("flags", [LIVE, REHEARSED])
@pytest.mark.parametrize("rule", UNDER_THE_FLOOR)
def test_no_scenario_goes_under_the_floor(rule: str, flags: dict[str, Any]) -> None:
    low = load_text(f"scenario: a\nsummary: b\ntargets: [staging]\n{UNDER_THE_FLOOR[rule]}\n", Path("a.yaml"))
    (refusal,) = scenario_refusals(choose(**flags), low)
    assert refusal.startswith("a.yaml: scenario a ")
    assert scenario_refusals(choose(), low) == ()


@pytest.mark.parametrize("proof", PROOF_NAMES)
def test_each_single_proof_belongs_to_the_floor(proof: str) -> None:
    low = scenario(prove=tuple(name for name in PROOF_NAMES if name != proof))
    (refusal,) = scenario_refusals(choose(target_flag="staging"), low)
    assert proof in refusal


def test_only_proof_can_be_expected_of_the_live_platform() -> None:
    (refusal,) = scenario_refusals(choose(target_flag="staging"), load_text(EXPECTING, Path("a.yaml")))
    assert "expects a failure" in refusal


def test_a_full_scenario_may_run_live() -> None:
    assert scenario_refusals(choose(require_live_flag=True), scenario()) == ()


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "a-secret"}, True),
        ({}, False),
        ({"AWS_PROFILE": "nobody-has-this"}, False),
    ],
)
def test_credentials_are_found_the_way_boto3_finds_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environ: dict[str, str], found: bool
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    policy = choose_policy(READY, target_flag="staging")
    assert policy.skipped is not found


def test_a_left_over_endpoint_is_refused_on_the_live_platform_alone() -> None:
    left_over = replace(READY, endpoint_overrides=("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"))
    assert [line.split(" ")[0] for line in problems_of(left_over, require_live_flag=True)] == [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SSM",
    ]
    assert choose(left_over, target_flag="local").target == "local"


def test_a_mock_of_aws_in_this_process_is_no_aws() -> None:
    (problem,) = problems_of(require_live_flag=True, loaded_modules=("moto",))
    assert problem.startswith("moto is loaded")
    assert choose(target_flag="local", loaded_modules=("moto",)).target == "local"
