"""Requests and answers against the published models."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import Shape

from e2e.twin.cloud.models import ServiceModels
from e2e.twin.cloud.validation import answer_violations, request_violations, validation_message

_INSTANCE = "i-0123456789abcdef0"


def _input(models: ServiceModels, operation: str) -> Shape | None:
    return models.model("ssm").operation_model(operation).input_shape


def _output(models: ServiceModels, operation: str) -> Shape | None:
    return models.model("ssm").operation_model(operation).output_shape


def _send(**changes: Any) -> dict[str, Any]:
    return {"DocumentName": "AWS-RunShellScript", "InstanceIds": [_INSTANCE], **changes}


def test_a_good_request_has_no_violations(models: ServiceModels) -> None:
    request = _send(Parameters={"commands": ["true"]}, TimeoutSeconds=30, Comment="c" * 100)
    assert request_violations(_input(models, "SendCommand"), request) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"InstanceIds": ["web-1"]}, "Value 'web-1' at 'instanceIds.1.member' failed to satisfy constraint"),
        ({"Comment": "c" * 101}, "Member must have length less than or equal to 100"),
        ({"TimeoutSeconds": 29}, "Member must have value greater than or equal to 30"),
        ({"TimeoutSeconds": 2_592_001}, "Member must have value less than or equal to 2592000"),
        ({"TimeoutSeconds": "60"}, "Member must be of type integer"),
        ({"TimeoutSeconds": True}, "Member must be of type integer"),
        ({"DocumentHashType": "Md5"}, "Member must satisfy enum value set: [Sha256, Sha1]"),
        ({"Parameters": {"commands": "true"}}, "Member must be of type list"),
        ({"Coment": "typo"}, "SendCommandRequest has no such member"),
        ({"InstanceIds": [_INSTANCE] * 51}, "less than or equal to 50"),
        ({"DocumentName": None}, "Value null at 'documentName' failed to satisfy constraint: Member must not be null"),
        ({"MaxConcurrency": "0"}, "regular expression pattern"),
    ],
)
def test_what_the_client_lets_through_is_caught(models: ServiceModels, changes: dict[str, Any], said: str) -> None:
    violations = request_violations(_input(models, "SendCommand"), _send(**changes))
    assert len(violations) == 1
    assert said in violations[0]


def test_a_pattern_that_only_java_reads_is_let_through(models: ServiceModels) -> None:
    request = _send(Targets=[{"Key": "tag:Name", "Values": ["x"]}])
    assert request_violations(_input(models, "SendCommand"), request) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"Status": "Done"}, "enum value set"),
        ({"StandardOutputContent": "x" * 24_001}, "less than or equal to 24000"),
        ({"StandardErrorContent": "x" * 8_001}, "less than or equal to 8000"),
        ({"ResponseCode": "0"}, "type integer"),
        ({"Stdout": ""}, "no such member"),
        ({"Comment": None}, "type string"),
    ],
)
def test_our_own_answers_are_held_to_the_model(models: ServiceModels, answer: dict[str, Any], said: str) -> None:
    violations = answer_violations(_output(models, "GetCommandInvocation"), answer)
    assert len(violations) == 1
    assert said in violations[0]


def test_answers_may_fall_short_of_minima_and_patterns_as_those_of_aws_do(models: ServiceModels) -> None:
    answer = {"CloudWatchOutputConfig": {"CloudWatchLogGroupName": ""}, "ExecutionStartDateTime": ""}
    assert answer_violations(_output(models, "GetCommandInvocation"), answer) == []


def test_times_are_times(models: ServiceModels) -> None:
    shape = _output(models, "SendCommand")
    assert answer_violations(shape, {"Command": {"RequestedDateTime": datetime.now(UTC)}}) == []
    assert answer_violations(shape, {"Command": {"RequestedDateTime": "2026-06-19T00:00:00Z"}}) != []


def test_an_operation_without_output_answers_nothing() -> None:
    assert answer_violations(None, {}) == []
    assert answer_violations(None, {"Surprise": 1}) != []
    assert request_violations(None, {}) == []


def test_the_message_counts() -> None:
    assert validation_message(["a"]) == "1 validation error detected: a"
    assert validation_message(["a", "b"]) == "2 validation errors detected: a; b"
