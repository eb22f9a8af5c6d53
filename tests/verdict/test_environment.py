"""The environment is understood or refused, never guessed."""

from pathlib import Path

import pytest

from e2e.verdict.environment import ConfigurationError, Environment, derive_tenant_domain, parse_environment


def problems_of(**environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        parse_environment(environ)
    return refused.value.problems


def test_an_empty_environment_says_nothing() -> None:
    assert parse_environment({}) == Environment()
    assert parse_environment({"PATH": "/bin", "HOME": "/root"}) == Environment()


@pytest.mark.parametrize("text", ["1", "true", "yes", "on", "TRUE", " On "])
def test_require_live_is_on(text: str) -> None:
    assert parse_environment({"E2E_REQUIRE_LIVE": text}).require_live is True


@pytest.mark.parametrize("text", ["0", "false", "no", "off", "False"])
def test_require_live_is_off(text: str) -> None:
    assert parse_environment({"E2E_REQUIRE_LIVE": text}).require_live is False


@pytest.mark.parametrize("text", ["", " ", "2", "y", "enabled", "1 ;", "nope", "truee", "\u0661"])
def test_require_live_is_never_guessed(text: str) -> None:
    (problem,) = problems_of(E2E_REQUIRE_LIVE=text)
    assert problem.startswith("E2E_REQUIRE_LIVE=")
    assert "set one of these or unset it" in problem


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("E2E_REQUIRE_LIFE", "E2E_REQUIRE_LIVE"),
        ("E2E_REQUIRED_LIVE", "E2E_REQUIRE_LIVE"),
        ("E2E_REQUIRE_LIVE_", "E2E_REQUIRE_LIVE"),
        ("E2E_REQUIRELIVE", "E2E_REQUIRE_LIVE"),
        ("E2E-REQUIRE-LIVE", "E2E_REQUIRE_LIVE"),
        ("e2e_require_live", "E2E_REQUIRE_LIVE"),
        ("E2E_TARGETS", "E2E_TARGET"),
        ("E2E_AWS_ACCOUNT_ID", "E2E_AWS_ACCOUNT"),
        ("E2E_KEEP_ORGS", "E2E_KEEP_ORG"),
        ("E2E_RUNID", "E2E_RUN_ID"),
    ],
)
def test_a_near_miss_is_an_error_with_the_name_that_was_meant(name: str, meant: str) -> None:
    (problem,) = problems_of(**{name: "1"})
    assert problem == f"{name} is set in the environment, and this harness has no such name; did you mean {meant}?"


def test_everything_that_is_said_arrives() -> None:
    environment = parse_environment(
        {
            "E2E_TARGET": "staging",
            "MOLECULE_CP_URL": "https://staging-api.moleculesai.app/",
            "MOLECULE_ADMIN_TOKEN": "swordfish-4711",
            "MOLECULE_TENANT_DOMAIN": "staging.moleculesai.app",
            "E2E_RUN_ID": "1234-1",
            "E2E_KEEP_ORG": "1",
            "E2E_STATE_DIR": "/var/tmp/state",
            "E2E_AWS_ACCOUNT": "123456789012",
            "E2E_AWS_REGION": "us-east-2",
            "AWS_REGION": "eu-west-1",
            "E2E_PROVISION_TIMEOUT_SECS": "600",
            "E2E_CONCIERGE_ONLINE_SECS": "900",
            "E2E_AGENT_ACT_SECS": "420.5",
            "E2E_MCP_READY_SECS": "180",
            "E2E_TERMINAL_SETTLE_SECS": "120",
            "CI": "true",
        }
    )
    assert (environment.target, environment.control_plane_url) == ("staging", "https://staging-api.moleculesai.app")
    assert environment.admin_token is not None
    assert environment.admin_token.reveal() == "swordfish-4711"
    assert (environment.tenant_domain, environment.run_id) == ("staging.moleculesai.app", "1234-1")
    assert (environment.keep_org, environment.state_dir) == (True, Path("/var/tmp/state"))
    assert (environment.aws_account, environment.aws_region) == ("123456789012", "us-east-2")
    assert environment.caps == {"provisioned": 600, "online": 900, "agent_acted": 420.5, "tool_listed": 180}
    assert (environment.settle_seconds, environment.continuous_integration) == (120, True)
    assert "swordfish" not in repr(environment)
    assert environment.notes == ()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("E2E_TARGET", "stagin", "unknown target 'stagin' in E2E_TARGET in the environment; did you mean 'staging'?"),
        ("E2E_TARGET", "", "E2E_TARGET is set in the environment but empty"),
        ("E2E_KEEP_ORG", "maybe", "E2E_KEEP_ORG='maybe' in the environment is neither on"),
        ("E2E_RUN_ID", "a/b", "E2E_RUN_ID='a/b' in the environment is not up to 64 letters"),
        ("E2E_RUN_ID", "", "E2E_RUN_ID is set in the environment but empty"),
        ("E2E_AWS_ACCOUNT", "1234", "E2E_AWS_ACCOUNT='1234' in the environment is not an AWS account id of 12 digits"),
        ("E2E_PROVISION_TIMEOUT_SECS", "15m", "E2E_PROVISION_TIMEOUT_SECS='15m' in the environment is not a number"),
        ("E2E_PROVISION_TIMEOUT_SECS", "0", "E2E_PROVISION_TIMEOUT_SECS='0' in the environment is not a number"),
        ("E2E_PROVISION_TIMEOUT_SECS", "nan", "E2E_PROVISION_TIMEOUT_SECS='nan' in the environment is not a number"),
        ("E2E_PROVISION_TIMEOUT_SECS", "inf", "E2E_PROVISION_TIMEOUT_SECS='inf' in the environment is not a number"),
        ("MOLECULE_CP_URL", "staging-api", "MOLECULE_CP_URL in the environment is not the base URL"),
        ("MOLECULE_CP_URL", "ftp://x", "MOLECULE_CP_URL in the environment is not the base URL"),
        ("MOLECULE_CP_URL", "https://x:99999", "MOLECULE_CP_URL in the environment is not the base URL"),
        (
            "MOLECULE_CP_URL",
            "https://u:p4ssw0rd@x",
            "MOLECULE_CP_URL in the environment carries a user name or password",
        ),
        ("MOLECULE_TENANT_DOMAIN", "a b", "MOLECULE_TENANT_DOMAIN='a b' in the environment is not a domain name"),
    ],
)
def test_a_value_that_cannot_be_understood_is_an_error(name: str, value: str, problem: str) -> None:
    (found,) = problems_of(**{name: value})
    assert found.startswith(problem)
    assert "p4ssw0rd" not in found


def test_all_problems_come_at_once() -> None:
    assert len(problems_of(E2E_REQUIRE_LIVE="", E2E_TARGET="x", E2E_TARGETS="y")) == 3
    with pytest.raises(ConfigurationError) as refused:
        parse_environment({"E2E_REQUIRE_LIVE": "", "E2E_TARGET": "x"})
    assert str(refused.value).count("\n") == 1


@pytest.mark.parametrize(
    ("old", "value", "field"),
    [
        ("CP_BASE_URL", "https://staging-api.moleculesai.app", "control_plane_url"),
        ("STAGING_TENANT_DOMAIN", "staging.moleculesai.app", "tenant_domain"),
    ],
)
def test_older_names_are_honoured_and_said_so(old: str, value: str, field: str) -> None:
    environment = parse_environment({old: value})
    assert getattr(environment, field) == value
    assert len(environment.notes) == 1
    assert environment.notes[0].startswith(f"{old} is an older name of")


def test_the_older_admin_token_is_honoured_and_masked() -> None:
    environment = parse_environment({"CP_ADMIN_API_TOKEN": "swordfish-4711"})
    assert environment.admin_token is not None
    assert [secret.reveal() for _, secret in environment.secrets] == ["swordfish-4711"]


def test_a_suffix_of_the_tenants_is_a_domain() -> None:
    assert (
        parse_environment({"STAGING_TENANT_SUBDOMAIN_SUFFIX": ".staging.example.org"}).tenant_domain
        == "staging.example.org"
    )


def test_two_names_for_one_thing_must_agree() -> None:
    same = {"MOLECULE_ADMIN_TOKEN": "swordfish-4711", "CP_ADMIN_API_TOKEN": "swordfish-4711"}
    assert parse_environment(same).admin_token is not None
    (problem,) = problems_of(MOLECULE_ADMIN_TOKEN="swordfish-4711", CP_ADMIN_API_TOKEN="another-4711")
    assert "MOLECULE_ADMIN_TOKEN and CP_ADMIN_API_TOKEN" in problem
    assert "4711" not in problem


@pytest.mark.parametrize(
    "name", ["E2E_AWS_LEAK_CHECK", "E2E_MODE", "E2E_LLM_PROXY_URL", "STAGING_E2E", "E2E_SOMETHING_ELSE"]
)
def test_a_name_without_meaning_is_said_to_be_ignored(name: str) -> None:
    (note,) = parse_environment({name: "1"}).notes
    assert note.startswith(f"{name} is ignored: ")


def test_an_empty_credential_counts_as_missing_and_is_remembered() -> None:
    environment = parse_environment({"MOLECULE_ADMIN_TOKEN": "", "E2E_AWS_ACCOUNT": " "})
    assert (environment.admin_token, environment.aws_account) == (None, None)
    assert environment.empty == ("MOLECULE_ADMIN_TOKEN", "E2E_AWS_ACCOUNT")


@pytest.mark.parametrize(
    ("value", "set_"), [("", False), ("false", False), ("0", False), ("true", True), ("1", True), ("woodpecker", True)]
)
def test_ci_is_what_a_ci_system_sets(value: str, set_: bool) -> None:
    assert parse_environment({"CI": value}).continuous_integration is set_


def test_what_looks_like_a_secret_in_the_environment_will_be_masked() -> None:
    found = parse_environment(
        {"GIT_TOKEN": "a1b2c3d4e5f6", "AWS_SECRET_ACCESS_KEY": "x" * 40, "X_TOKEN": "short", "HOME": "/home/somebody"}
    ).secrets
    assert [(label, secret.reveal()) for label, secret in found] == [
        ("aws-secret-access-key", "x" * 40),
        ("git-token", "a1b2c3d4e5f6"),
    ]


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://staging-api.moleculesai.app", "staging.moleculesai.app"),
        ("https://api.moleculesai.app", "moleculesai.app"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
    ],
)
def test_the_tenants_of_a_control_plane_have_its_domain(url: str, domain: str) -> None:
    assert derive_tenant_domain(url) == domain


def test_names_that_send_aws_requests_elsewhere_are_known() -> None:
    environ = {"AWS_ENDPOINT_URL_SSM": "x", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT": "x", "MY_AWS_ENDPOINT_URL": "x"}
    assert parse_environment(environ).endpoint_overrides == ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM")
