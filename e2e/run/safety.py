"""What must be true before anything is created on a platform that is shared: it is staging, and the account is ours."""

from collections.abc import Callable

from e2e.hosts.errors import HostAccessError
from e2e.run.target import TargetRefusal


def require_account(expected: str, account: Callable[[], str]) -> None:
    """Compare the AWS account of the credentials (asked of STS) with the one that may be touched.

    Raises:
        TargetRefusal: it is another one, or STS could not be asked.
    """
    try:
        found = account()
    except HostAccessError as error:
        raise TargetRefusal(str(error).splitlines()[0], error.cause) from error
    if found != expected:
        raise TargetRefusal(
            f"the AWS credentials belong to account {found}, and E2E_AWS_ACCOUNT allows only {expected};"
            " nothing was created",
            "not-a-staging-target",
        )
