"""Turns what botocore raises into the harness's own errors, by code."""

from enum import Enum
from typing import TYPE_CHECKING

from e2e.hosts.errors import (
    AccessDenied,
    CredentialsExpired,
    CredentialsMissing,
    CredentialsRefused,
    EndpointUnreachable,
    HostAccessError,
    StatusUnknown,
    Throttled,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OptInRequired"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_REFUSED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "InvalidAccessKeyId",
        "AuthFailure",
    }
)
NOT_YET_CODES = frozenset({"InvocationDoesNotExist", "InvalidCommandId"})
"""Right after a send SSM does not know the command yet (field record: 12 of 12 first polls)."""


def aws_failures() -> tuple[type[Exception], ...]:
    """Return what a call of a botocore client raises; anything else is a fault of ours and is not caught."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError, HostAccessError)


class Certainty(Enum):
    """Whether a request that failed was carried out all the same."""

    REFUSED = "AWS said no: nothing was done"
    NEVER_SENT = "it did not leave this machine"
    UNKNOWN = "it may have been carried out"


def error_code(error: Exception) -> str:
    """Return the AWS error code, or an empty string."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return ""


def certainty(error: Exception) -> Certainty:
    """Say whether the request behind ``error`` may have been carried out."""
    from botocore import exceptions as botocore_errors

    if isinstance(error, HostAccessError | botocore_errors.NoCredentialsError | botocore_errors.ParamValidationError):
        return Certainty.NEVER_SENT
    if isinstance(error, botocore_errors.ClientError):
        if error_code(error) in _THROTTLED:  # EC2 throttles with 503
            return Certainty.REFUSED
        return Certainty.UNKNOWN if _http_status(error) >= 500 else Certainty.REFUSED
    if isinstance(
        error,
        botocore_errors.EndpointConnectionError
        | botocore_errors.ConnectTimeoutError
        | botocore_errors.SSLError
        | botocore_errors.ProxyConnectionError,
    ):
        return Certainty.NEVER_SENT
    return Certainty.UNKNOWN


def translate(error: Exception, *, what: str, repro: str | None = None) -> HostAccessError:
    """Return the harness's error for what botocore raised while doing ``what``."""
    from botocore import exceptions as botocore_errors

    if isinstance(error, HostAccessError):
        return error
    if isinstance(error, botocore_errors.ClientError):
        return _translate_code(error, what, repro)
    if isinstance(
        error,
        botocore_errors.NoCredentialsError
        | botocore_errors.PartialCredentialsError
        | botocore_errors.CredentialRetrievalError
        | botocore_errors.ProfileNotFound,
    ):
        return CredentialsMissing(f"{what}: {error}", repro=repro)
    if isinstance(error, botocore_errors.TokenRetrievalError | botocore_errors.UnauthorizedSSOTokenError):
        return CredentialsExpired(f"{what}: {type(error).__name__}", repro=repro)
    if isinstance(error, botocore_errors.HTTPClientError | botocore_errors.ConnectionError):
        return EndpointUnreachable(f"{what}: {type(error).__name__}", repro=repro)
    return StatusUnknown(f"{what}: {type(error).__name__}", repro=repro)


def _translate_code(error: "ClientError", what: str, repro: str | None) -> HostAccessError:
    code = error_code(error)
    message = str(error.response.get("Error", {}).get("Message", ""))[:200]
    detail = f"{what}: {code}" + (f" ({message})" if message else "")
    if code in _THROTTLED:
        return Throttled(detail, repro=repro)
    if code in _EXPIRED:
        return CredentialsExpired(detail, repro=repro)
    if code in _DENIED:
        return AccessDenied(detail, repro=repro)
    if code in _REFUSED:
        return CredentialsRefused(detail, repro=repro)
    if _http_status(error) >= 500:
        return EndpointUnreachable(detail, repro=repro)
    return StatusUnknown(detail, repro=repro)


def _http_status(error: "ClientError") -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
