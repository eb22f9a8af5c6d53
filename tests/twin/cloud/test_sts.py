"""STS through boto3."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.twin.cloud.conftest import Cloud


def test_the_caller_is_of_the_twins_account(cloud: "Cloud") -> None:
    identity = cloud.sts.get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert identity["Arn"].startswith("arn:aws:iam::123456789012:user/")
