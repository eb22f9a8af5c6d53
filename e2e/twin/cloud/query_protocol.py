"""The query protocols: form parameters in, XML out. EC2 and STS spell them a little differently."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from e2e.twin.cloud.errors import AwsError

CONTENT_TYPE = "text/xml;charset=UTF-8"
"""The content type of answers."""


def form(body: bytes) -> dict[str, str]:
    """Return the form parameters of a request."""
    return dict(parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True))


def parse(parameters: Mapping[str, str], operation: OperationModel) -> dict[str, Any]:
    """Return the request that the flat ``parameters`` (``Filter.1.Value.2=x``) spell.

    Raises:
        AwsError: a parameter that the operation does not have, or a value of the wrong type.
    """
    rest = {name: value for name, value in parameters.items() if name not in {"Action", "Version"}}
    request: dict[str, Any] = {}
    if operation.input_shape is not None:
        found = _Reader(rest, ec2=_speaks_ec2(operation)).structure(operation.input_shape, "")
        request = found or {}
    if rest:
        raise AwsError("UnknownParameter", f"The parameter {min(rest)} is not recognized")
    return request


def _speaks_ec2(operation: OperationModel) -> bool:
    return bool(operation.service_model.metadata["protocol"] == "ec2")


class _Reader:
    """Takes parameters out of the flat form while it walks the model; what is left was not asked for."""

    def __init__(self, rest: dict[str, str], *, ec2: bool) -> None:
        self._rest = rest
        self._ec2 = ec2

    def structure(self, shape: StructureShape, prefix: str) -> dict[str, Any] | None:
        found = {}
        for name, member in shape.members.items():
            value = self._value(member, prefix + self._spelling(name, member))
            if value is not None:
                found[name] = value
        return found or None

    def _spelling(self, name: str, member: Shape) -> str:
        given = member.serialization.get("queryName")
        if given is None:
            given = member.serialization.get("name", name)
            if self._ec2:
                given = given[:1].upper() + given[1:]
        return str(given)

    def _value(self, shape: Shape, name: str) -> Any:
        if isinstance(shape, StructureShape):
            return self.structure(shape, f"{name}.")
        if isinstance(shape, ListShape):
            flat = self._ec2 or shape.serialization.get("flattened")
            return self._list(shape, name if flat else f"{name}.{shape.member.serialization.get('name', 'member')}")
        text = self._rest.pop(name, None)
        return None if text is None else _scalar(shape, name, text)

    def _list(self, shape: ListShape, name: str) -> list[Any] | None:
        items: list[Any] = []
        while (item := self._value(shape.member, f"{name}.{len(items) + 1}")) is not None:
            items.append(item)
        return items or None


def _scalar(shape: Shape, name: str, text: str) -> Any:
    try:
        if shape.type_name in {"integer", "long"}:
            return int(text)
        if shape.type_name == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if shape.type_name == "timestamp":
            return datetime.fromisoformat(text)
    except (KeyError, ValueError) as error:
        raise AwsError("InvalidParameterValue", f"Value ({text}) for parameter {name} is invalid.") from error
    return text


def render(operation: OperationModel, answer: Mapping[str, Any], request_id: str) -> bytes:
    """Return the answer's XML."""
    name = operation.name
    namespace = operation.service_model.metadata["xmlNamespace"]
    content = _structure(operation.output_shape, answer) if operation.output_shape is not None else ""
    if _speaks_ec2(operation):
        content = f"<requestId>{request_id}</requestId>{content}"
        namespace = f"{namespace}/"
    else:
        wrapper = f"{name}Result"
        content = (
            f"<{wrapper}>{content}</{wrapper}><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}Response xmlns="{namespace}">{content}</{name}Response>'
    return text.encode()


def _structure(shape: StructureShape, value: Mapping[str, Any]) -> str:
    parts = []
    for name, item in value.items():
        member = shape.members[name]
        parts.append(_element(member, str(member.serialization.get("name", name)), item))
    return "".join(parts)


def _element(shape: Shape, tag: str, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return f"<{tag}>{_structure(shape, value)}</{tag}>"
    if isinstance(shape, ListShape):
        inner = str(shape.member.serialization.get("name", "item"))
        items = "".join(_element(shape.member, inner, item) for item in value)
        return f"<{tag}>{items}</{tag}>"
    if isinstance(shape, MapShape):
        raise TypeError("no operation of this twin answers with a map")
    return f"<{tag}>{escape(_text(value))}</{tag}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return str(value)


def render_ec2_error(error: AwsError, request_id: str) -> bytes:
    """Return the XML of an EC2 error."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    ).encode()


def render_query_error(error: AwsError, request_id: str) -> bytes:
    """Return the XML of an error of the other query services."""
    blame = "Sender" if error.status < 500 else "Receiver"
    return (
        f"<ErrorResponse><Error><Type>{blame}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
