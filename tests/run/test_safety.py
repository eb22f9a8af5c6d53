"""The account is compared before anything is created."""

import pytest

from e2e.hosts.errors import CredentialsExpired
from e2e.run.safety import require_account
from e2e.run.target import TargetRefusal


def test_the_account_that_may_be_touched_is_let_pass() -> None:
    require_account("111122223333", lambda: "111122223333")


def test_another_account_is_no_staging_target() -> None:
    with pytest.raises(TargetRefusal, match=r"999988887777.*only 111122223333") as refused:
        require_account("111122223333", lambda: "999988887777")
    assert refused.value.cause == "not-a-staging-target"


def test_an_account_that_cannot_be_asked_keeps_the_cause_of_that() -> None:
    def account() -> str:
        raise CredentialsExpired("GetCallerIdentity: ExpiredToken")

    with pytest.raises(TargetRefusal) as refused:
        require_account("111122223333", account)
    assert refused.value.cause == "aws-credentials-expired"
