"""Verifies the signature of a request (AWS Signature Version 4) with botocore's own signer."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_ALLOWED_SKEW = timedelta(minutes=5)


class Refusal(Enum):
    """Why a signature is not accepted."""

    MISSING = "missing"
    UNKNOWN_KEY = "unknown key"
    MISMATCH = "mismatch"
    EXPIRED = "expired"


class SignatureRefusedError(Exception):
    """The request is not signed by the one who holds the twin's key."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True)
class SignatureCheck:
    """Knows one key."""

    access_key_id: str
    secret_access_key: str
    region: str

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> str:
        """Return the service the request was signed for. ``headers`` has lower-case names.

        Raises:
            SignatureRefusedError: no signature, unknown key, wrong secret, another region, or older than five minutes.
        """
        found = _AUTHORIZATION.match(headers.get("authorization", ""))
        stamp = headers.get("x-amz-date", "")
        if found is None or not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
            raise SignatureRefusedError(Refusal.MISSING)
        if found["key"] != self.access_key_id:
            raise SignatureRefusedError(Refusal.UNKNOWN_KEY)
        expected = self._signature(found, headers, body, url, stamp)
        if found["region"] != self.region or not hmac.compare_digest(expected, found["signature"]):
            raise SignatureRefusedError(Refusal.MISMATCH)
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(now - signed_at) > _ALLOWED_SKEW:
            raise SignatureRefusedError(Refusal.EXPIRED)
        return found["service"]

    def _signature(self, found: "re.Match[str]", headers: Mapping[str, str], body: bytes, url: str, stamp: str) -> str:
        signed = {name: headers.get(name, "") for name in found["headers"].split(";")}
        if "x-amz-content-sha256" in headers:
            signed["x-amz-content-sha256"] = headers["x-amz-content-sha256"]
        request = AWSRequest(method="POST", url=url, data=body, headers=signed)
        request.context["timestamp"] = stamp
        signer = SigV4Auth(Credentials(self.access_key_id, self.secret_access_key), found["service"], found["region"])
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return str(signer.signature(text, request))
