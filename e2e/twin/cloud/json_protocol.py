"""JSON 1.1, as SSM speaks it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import OperationModel

from e2e.twin.cloud.errors import AwsError

CONTENT_TYPE = "application/x-amz-json-1.1"
"""The content type of requests and answers."""


def parse(body: bytes) -> dict[str, Any]:
    """Return the request.

    Raises:
        AwsError: it is not a JSON object.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", str(error)) from error
    if not isinstance(request, dict):
        raise AwsError("SerializationException", "Start of structure or map found where not expected.")
    return request


def render(_operation: OperationModel, answer: Mapping[str, Any], _request_id: str) -> bytes:
    """Return the answer's body; times are seconds since 1970."""
    return json.dumps(answer, default=_plain).encode()


def _plain(value: object) -> float:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def render_error(error: AwsError, _request_id: str) -> bytes:
    """Return the body of an error answer."""
    return json.dumps({"__type": error.code, "message": error.message}).encode()
