"""How each service spells that it does not carry out a well-signed call."""

from e2e.twin.cloud.errors import AwsError

_EXPIRED = "The security token included in the request is expired"


def throttled(service: str) -> AwsError:
    """Return the error of a call that came too often."""
    return {
        "ssm": AwsError("ThrottlingException", "Rate exceeded"),
        "ec2": AwsError("RequestLimitExceeded", "Request limit exceeded.", 503),
        "sts": AwsError("Throttling", "Rate exceeded"),
    }[service]


def failed(service: str) -> AwsError:
    """Return the error of a service that is broken itself."""
    return {
        "ssm": AwsError("InternalServerError", "An error occurred on the server side.", 500),
        "ec2": AwsError("InternalError", "An internal error has occurred", 500),
        "sts": AwsError("InternalFailure", "An internal error has occurred", 500),
    }[service]


def expired(service: str) -> AwsError:
    """Return the error of a session token that has run out."""
    return {
        "ssm": AwsError("ExpiredTokenException", _EXPIRED),
        "ec2": AwsError("RequestExpired", "Request has expired."),
        "sts": AwsError("ExpiredToken", _EXPIRED, 403),
    }[service]


def denied(service: str, operation: str, account: str) -> AwsError:
    """Return the error of a call that no policy allows."""
    action = f"{service}:{operation}"
    who = f"User: arn:aws:iam::{account}:user/embedded-staging is not authorized to perform: {action}"
    why = f"because no identity-based policy allows the {action} action"
    return {
        "ssm": AwsError("AccessDeniedException", f"{who} {why}"),
        "ec2": AwsError("UnauthorizedOperation", f"You are not authorized to perform this operation. {who} {why}", 403),
        "sts": AwsError("AccessDenied", f"{who} {why}", 403),
    }[service]
