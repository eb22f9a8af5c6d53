"""How each service spells that it does not accept a signature."""

from e2e.twin.cloud.errors import AwsError
from e2e.twin.cloud.signature import Refusal

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 (a message)
_EXPIRED = "Signature expired"
_MISSING = "Request is missing Authentication Token"


def refusal_error(service: str, refusal: Refusal) -> AwsError:
    """Return the error that ``service`` answers with."""
    if service == "ec2":
        if refusal is Refusal.MISSING:
            return AwsError("MissingParameter", "The request must contain the parameter AWSAccessKeyId", 400)
        if refusal is Refusal.EXPIRED:
            return AwsError("RequestExpired", "Request has expired.", 400)
        return AwsError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    if service == "sts":
        codes = {
            Refusal.MISSING: AwsError("MissingAuthenticationToken", _MISSING, 403),
            Refusal.UNKNOWN_KEY: AwsError("InvalidClientTokenId", _INVALID_TOKEN, 403),
            Refusal.MISMATCH: AwsError("SignatureDoesNotMatch", _MISMATCH, 403),
            Refusal.EXPIRED: AwsError("SignatureDoesNotMatch", _EXPIRED, 403),
        }
        return codes[refusal]
    codes = {
        Refusal.MISSING: AwsError("MissingAuthenticationTokenException", _MISSING, 400),
        Refusal.UNKNOWN_KEY: AwsError("UnrecognizedClientException", _INVALID_TOKEN, 400),
        Refusal.MISMATCH: AwsError("InvalidSignatureException", _MISMATCH, 400),
        Refusal.EXPIRED: AwsError("InvalidSignatureException", _EXPIRED, 400),
    }
    return codes[refusal]
