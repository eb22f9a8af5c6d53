"""Where staging is, read from the environment: nothing but staging, and nothing real in a rehearsal."""

from dataclasses import replace

import pytest

from e2e.evidence.masking import Secret
from e2e.run.live_target import DEFAULT_REGION, ENDPOINT_VARIABLES, staging_connection
from e2e.verdict.environment import ConfigurationError, Environment
from e2e.verdict.policy import Policy

LIVE = Policy(True, "staging", True, False, "never", 1.0)
REHEARSAL = Policy(False, "staging", False, False, "never", 100.0)
READY = Environment(admin_token=Secret("admin-token-0123456789"), aws_account="111122223333")
ON_LOOPBACK = replace(READY, control_plane_url="http://127.0.0.1:8001", tenant_domain="127.0.0.1:8002")
TWIN_AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:8003",
    "AWS_ACCESS_KEY_ID": "AKIATWIN",
    "AWS_SECRET_ACCESS_KEY": "twin-secret-0123456789",
}


def problems_of(environment: Environment, policy: Policy, environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        staging_connection(environment, policy, environ)
    return str(refused.value)


def test_staging_is_found_without_being_told_and_credentials_are_left_to_boto3() -> None:
    connection = staging_connection(READY, LIVE, {})
    assert connection.control_plane_url == "https://staging-api.moleculesai.app"
    assert connection.tenants.base_url("e2e-x") == "https://e2e-x.staging.moleculesai.app"
    assert connection.tenants.headers("e2e-x", "org")["Origin"] == "https://e2e-x.staging.moleculesai.app"
    assert (connection.aws_endpoint_url, connection.aws_keys) == (None, None)
    assert (connection.aws_region, connection.aws_account, connection.speed) == (DEFAULT_REGION, "111122223333", 1.0)


def test_a_region_and_a_deeper_tenant_domain_are_honoured() -> None:
    environment = replace(READY, aws_region="eu-west-1", tenant_domain="eu.staging.moleculesai.app")
    connection = staging_connection(environment, LIVE, {})
    assert connection.aws_region == "eu-west-1"
    assert connection.tenants.base_url("e2e-x") == "https://e2e-x.eu.staging.moleculesai.app"


@pytest.mark.parametrize(
    "domain", ["moleculesai.app", "evil.example", "notstaging.moleculesai.app", "staging.moleculesai.app.evil.example"]
)
def test_tenants_of_production_or_of_strangers_are_refused(domain: str) -> None:
    assert "MOLECULE_TENANT_DOMAIN" in problems_of(replace(READY, tenant_domain=domain), LIVE, {})


@pytest.mark.parametrize("name", ENDPOINT_VARIABLES)
def test_a_leftover_endpoint_is_refused_on_a_live_run(name: str) -> None:
    problem = problems_of(READY, LIVE, {name: "http://127.0.0.1:8003"})
    assert problem.startswith(f"{name}=")
    assert "unset it" in problem


def test_everything_that_is_missing_is_said_at_once() -> None:
    problem = problems_of(Environment(), LIVE, {})
    assert "MOLECULE_ADMIN_TOKEN" in problem
    assert "E2E_AWS_ACCOUNT" in problem


def test_a_rehearsal_talks_to_loopback_alone() -> None:
    connection = staging_connection(ON_LOOPBACK, REHEARSAL, TWIN_AWS)
    assert connection.tenants.base_url("e2e-x") == "http://127.0.0.1:8002"
    assert connection.aws_endpoint_url == TWIN_AWS["AWS_ENDPOINT_URL"]
    assert connection.aws_keys is not None
    assert connection.aws_keys.secret_access_key.reveal() == TWIN_AWS["AWS_SECRET_ACCESS_KEY"]
    assert connection.speed == 100.0


@pytest.mark.parametrize("name", sorted(TWIN_AWS))
def test_a_rehearsal_never_falls_back_to_a_real_account(name: str) -> None:
    rest = {key: value for key, value in TWIN_AWS.items() if key != name}
    assert name in problems_of(ON_LOOPBACK, REHEARSAL, rest)


@pytest.mark.parametrize("endpoint", ["https://ssm.us-east-2.amazonaws.com", "http://10.0.0.1:80", "127.0.0.1:80"])
def test_a_rehearsal_with_an_endpoint_elsewhere_is_refused(endpoint: str) -> None:
    assert "AWS_ENDPOINT_URL" in problems_of(ON_LOOPBACK, REHEARSAL, {**TWIN_AWS, "AWS_ENDPOINT_URL": endpoint})


@pytest.mark.parametrize("domain", [None, "staging.moleculesai.app", "localhost"])
def test_a_rehearsal_does_not_send_its_token_to_tenants_elsewhere(domain: str | None) -> None:
    assert "MOLECULE_TENANT_DOMAIN" in problems_of(replace(ON_LOOPBACK, tenant_domain=domain), REHEARSAL, TWIN_AWS)
