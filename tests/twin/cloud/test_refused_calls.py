"""Each service refuses in its own words, and boto3 understands them."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud, FaultyCloudFactory

CALLS: dict[str, tuple[str, dict[str, str]]] = {
    "ssm": ("list_commands", {}),
    "ec2": ("describe_instances", {}),
    "sts": ("get_caller_identity", {}),
}


def refusal(cloud: "Cloud", service: str) -> tuple[str, int, str]:
    """Make a call of ``service`` and return code, HTTP status and message of its refusal."""
    operation, arguments = CALLS[service]
    with pytest.raises(ClientError) as caught:
        getattr(getattr(cloud, service), operation)(**arguments)
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


@pytest.mark.parametrize(
    ("fault", "service", "code", "status"),
    [
        ("ssm-throttled", "ssm", "ThrottlingException", 400),
        ("ssm-throttled:rate=0,ec2=1", "ec2", "RequestLimitExceeded", 503),
        ("ssm-server-errors", "ssm", "InternalServerError", 500),
        ("aws-credentials-expired", "ssm", "ExpiredTokenException", 400),
        ("aws-credentials-expired", "ec2", "RequestExpired", 400),
        ("aws-credentials-expired", "sts", "ExpiredToken", 403),
        ("aws-access-denied", "ssm", "AccessDeniedException", 400),
        ("aws-access-denied:ec2=1", "ec2", "UnauthorizedOperation", 403),
        ("aws-access-denied:sts=1", "sts", "AccessDenied", 403),
        ("aws-clock-skew", "ssm", "InvalidSignatureException", 400),
        ("aws-clock-skew", "ec2", "RequestExpired", 400),
    ],
)
def test_a_refusal_is_spelt_as_the_service_spells_it(
    make_faulty_cloud: "FaultyCloudFactory", fault: str, service: str, code: str, status: int
) -> None:
    found, http_status, message = refusal(make_faulty_cloud(fault), service)
    assert (found, http_status) == (code, status)
    assert message


def test_a_denied_call_names_the_action_that_it_lacks(make_faulty_cloud: "FaultyCloudFactory") -> None:
    _code, _status, message = refusal(make_faulty_cloud("aws-access-denied:describe_instances=1"), "ec2")
    assert "because no identity-based policy allows the ec2:DescribeInstances action" in message
