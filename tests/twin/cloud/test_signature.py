"""Who may call, in the words of each service."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from e2e.twin.cloud.signature import Refusal, SignatureCheck, SignatureRefusedError

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud

_URL = "http://127.0.0.1:1/"
_CHECK = SignatureCheck("AKIAEXAMPLE", "secret", "us-east-2")


def _signed(
    body: bytes = b"{}", *, secret: str = "secret", region: str = "us-east-2"
) -> tuple[dict[str, str], datetime]:
    request = AWSRequest("POST", _URL, data=body, headers={"Content-Type": "text/plain"})
    SigV4Auth(Credentials("AKIAEXAMPLE", secret), "ssm", region).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["host"] = "127.0.0.1:1"
    return headers, datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def test_a_good_signature_names_its_service() -> None:
    headers, when = _signed()
    assert _CHECK.verify(headers, b"{}", _URL, when) == "ssm"


def _refusal(headers: dict[str, str], body: bytes, now: datetime) -> Refusal:
    with pytest.raises(SignatureRefusedError) as caught:
        _CHECK.verify(headers, body, _URL, now)
    return caught.value.refusal


def test_a_body_that_was_changed_on_the_way_is_refused() -> None:
    headers, when = _signed()
    assert _refusal(headers, b'{"a":1}', when) is Refusal.MISMATCH


def test_a_signed_header_that_was_changed_is_refused() -> None:
    headers, when = _signed()
    assert _refusal({**headers, "host": "elsewhere:1"}, b"{}", when) is Refusal.MISMATCH


def test_another_secret_or_region_is_refused() -> None:
    headers, when = _signed(secret="other")
    assert _refusal(headers, b"{}", when) is Refusal.MISMATCH
    headers, when = _signed(region="eu-west-1")
    assert _refusal(headers, b"{}", when) is Refusal.MISMATCH


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_off_by_more_than_five_minutes_is_refused(minutes: int) -> None:
    headers, when = _signed()
    assert _refusal(headers, b"{}", when + timedelta(minutes=minutes)) is Refusal.EXPIRED
    assert _CHECK.verify(headers, b"{}", _URL, when + timedelta(minutes=minutes / 2)) == "ssm"


def test_no_signature_is_no_signature() -> None:
    headers, when = _signed()
    assert _refusal({}, b"{}", when) is Refusal.MISSING
    assert _refusal({**headers, "x-amz-date": "today"}, b"{}", when) is Refusal.MISSING


def _code(client: Any, operation: str) -> str:
    try:
        getattr(client, operation)()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    finally:
        client.close()
    return "none"


@pytest.mark.parametrize(
    ("service", "operation", "unknown_key", "wrong_secret"),
    [
        ("ssm", "describe_instance_information", "UnrecognizedClientException", "InvalidSignatureException"),
        ("ec2", "describe_instances", "AuthFailure", "AuthFailure"),
        ("sts", "get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ],
)
def test_each_service_spells_it_its_own_way(
    cloud: "Cloud", service: str, operation: str, unknown_key: str, wrong_secret: str
) -> None:
    assert _code(cloud.client(service), operation) == "none"
    assert _code(cloud.client(service, key="AKIASOMEBODYELSE"), operation) == unknown_key
    assert _code(cloud.client(service, secret="wrong"), operation) == wrong_secret
    assert _code(cloud.client(service, region="eu-west-1"), operation) == wrong_secret


def test_a_request_without_any_signature_is_refused(cloud: "Cloud") -> None:
    target = {"X-Amz-Target": "AmazonSSM.ListCommands", "Content-Type": "application/x-amz-json-1.1"}
    answer = httpx.post(cloud.url, headers=target, content=b"{}")
    assert answer.status_code == 400
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"
    form = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    assert "MissingAuthenticationToken" in httpx.post(cloud.url, data=form).text
    assert "MissingParameter" in httpx.post(cloud.url, data={"Action": "DescribeInstances"}).text
