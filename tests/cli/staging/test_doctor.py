"""``doctor`` says what keeps a run from beginning, and whose problem it is."""

from typing import Any

import pytest


def failed(document: Any) -> dict[str, str | None]:
    return {check["name"]: check["cause"] for check in document["checks"] if check["state"] == "failed"}


@pytest.mark.twin
def test_a_staging_where_everything_is_in_order_is_said_to_be(twin: Any, command: Any) -> None:
    ended = command("doctor", "--target", "staging", "--json", environment=twin.staging)
    document = ended.document()
    assert (ended.code, document["code"], failed(document)) == (0, 0, {})
    names = [check["name"] for check in document["checks"]]
    assert "ssm:SendCommand" in names
    assert "clock" in names


@pytest.mark.twin
def test_a_twin_can_be_examined_by_its_line(twin: Any, command: Any) -> None:
    ended = command("doctor", "--twin", twin.file)
    assert ended.code == 0, ended.out
    assert all(line.startswith(("ok ", "-- ")) for line in ended.out.splitlines())


@pytest.mark.twin
@pytest.mark.parametrize(
    ("change", "check", "cause", "code"),
    [
        ({"E2E_AWS_ACCOUNT": "999988887777"}, "AWS account", "not-a-staging-target", 2),
        ({"AWS_SECRET_ACCESS_KEY": "not-the-secret-0123456789"}, "AWS credentials", "aws-access-denied", 2),
        ({"MOLECULE_ADMIN_TOKEN": "not-the-token-0123456789"}, "admin token", "control-plane-unauthorized", 2),
        ({"MOLECULE_CP_URL": "http://127.0.0.1:1"}, "control plane", "control-plane-unavailable", 3),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS credentials", "ssm-undeliverable", 3),
    ],
)
def test_what_is_not_in_order_is_named_with_its_cause(
    change: dict[str, str], check: str, cause: str, code: int, twin: Any, command: Any
) -> None:
    ended = command("doctor", "--target", "staging", "--json", environment={**twin.staging, **change})
    assert failed(ended.document()) == {check: cause}
    assert ended.code == code


def test_without_credentials_everything_that_is_missing_is_said_at_once(command: Any) -> None:
    ended = command("doctor", "--target", "staging")
    assert ended.code == 2
    assert "MOLECULE_ADMIN_TOKEN" in ended.err
    assert "AWS credentials" in ended.err


def test_the_local_target_needs_only_the_twin_and_a_place_for_ledgers(command: Any) -> None:
    ended = command("doctor")
    assert ended.code == 0
    assert "embedded staging" in ended.out


def test_an_unknown_target_gets_a_guess(command: Any) -> None:
    ended = command("doctor", "--target", "stagging")
    assert (ended.code, "did you mean 'staging'" in ended.err) == (2, True)
