"""Checks tool arguments against the schemas used here, and words what is wrong as the platform's server does."""

import json
from collections.abc import Mapping

__all__ = ["validation_error"]

_TYPES: dict[object, tuple[type, ...]] = {"string": (str,), "integer": (int, float)}


def validation_error(schema: Mapping[str, object], arguments: Mapping[str, object]) -> str:
    """Return the issues as a JSON list, or nothing if the arguments fit; unknown arguments are ignored."""
    properties, required = schema.get("properties"), schema.get("required")
    issues: list[Mapping[str, object]] = []
    for name, rule in properties.items() if isinstance(properties, dict) else ():
        if name in arguments:
            issues += _issues(name, rule, arguments[name])
        elif isinstance(required, list) and name in required:
            issues.append(_wrong_type(name, rule["type"], "undefined", "Required"))
    return json.dumps(issues, indent=2) if issues else ""


def _issues(name: str, rule: Mapping[str, object], value: object) -> list[Mapping[str, object]]:
    expected = rule["type"]
    if isinstance(value, bool) or not isinstance(value, _TYPES[expected]):
        kind = "number" if expected == "integer" else str(expected)
        return [_wrong_type(name, kind, _kind(value), f"Expected {kind}, received {_kind(value)}")]
    if isinstance(value, str):
        return []
    if isinstance(value, float) and not value.is_integer():
        return [_wrong_type(name, "integer", "float", "Expected integer, received float")]
    low, high = rule.get("minimum"), rule.get("maximum")
    if isinstance(low, int) and isinstance(value, (int, float)) and value < low:
        return [{"code": "too_small", "minimum": low, "path": [name], "message": f"Number must be at least {low}"}]
    if isinstance(high, int) and isinstance(value, (int, float)) and value > high:
        return [{"code": "too_big", "maximum": high, "path": [name], "message": f"Number must be at most {high}"}]
    return []


def _wrong_type(name: str, expected: object, received: str, message: str) -> Mapping[str, object]:
    return {"code": "invalid_type", "expected": expected, "received": received, "path": [name], "message": message}


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (str, "string"),
        (int, "number"),
        (float, "number"),
        (list, "array"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "object")
