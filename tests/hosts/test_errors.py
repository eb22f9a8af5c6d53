"""Every error says what happened to what, with a cause that the list of causes has, in a line that stands alone."""

import inspect

import pytest

from e2e.hosts import errors
from e2e.hosts.errors import HostAccessError

CAUSES = {
    "aws-access-denied",
    "aws-credentials-expired",
    "aws-credentials-missing",
    "instance-terminated",
    "no-rule-matched",
    "not-a-staging-target",
    "probe-crashed",
    "proof-missing",
    "provisioning-timeout",
    "ssm-agent-offline",
    "ssm-delivery-timeout",
    "ssm-execution-timeout",
    "ssm-not-managed",
    "ssm-output-corrupt",
    "ssm-throttled",
    "ssm-undeliverable",
}
KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, HostAccessError) and kind is not HostAccessError
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_known_cause_and_a_first_line_that_stands_alone(kind: type[HostAccessError]) -> None:
    error = kind("seen\nthis", instance_id="i-1", command_id="c-1", repro="aws ssm x")
    assert error.cause in CAUSES
    first, *rest = str(error).splitlines()
    assert first == f"{error.cause}: {kind.headline} [i-1]: seen this"
    assert rest == ["  command: c-1", "  look again: aws ssm x"]
    assert (error.instance_id, error.command_id, error.repro) == ("i-1", "c-1", "aws ssm x")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_failure_can_be_told_of_another_machine(kind: type[HostAccessError]) -> None:
    error = kind("seen", command_id="c", repro="r", cause="aws-access-denied").for_instance("i-2")
    assert type(error) is kind
    assert (error.instance_id, error.cause, error.command_id, error.repro) == ("i-2", "aws-access-denied", "c", "r")


def test_the_data_of_an_error_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        errors.NotManaged("x").facts.detail = "y"  # type: ignore[misc]


def test_a_repro_is_quoted_for_the_shell() -> None:
    assert errors.aws_command(("ssm", "x", "a b"), "us-east-2") == "aws ssm x 'a b' --region us-east-2"
