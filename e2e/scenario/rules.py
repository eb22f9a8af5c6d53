"""Holds a document against ``contracts/scenario.schema.json`` and words what does not fit, all of it at once."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator

from e2e.contract import contracts_folder
from e2e.scenario.document import Document, Place, UnquotedDate
from e2e.scenario.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPE_WORDS: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@cache
def scenario_validator() -> Draft202012Validator:
    """Return the compiled validator of scenario files; compiled once per process, it holds no state."""
    schema = json.loads((contracts_folder() / "scenario.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def schema_problems(document: Document) -> list[Problem]:
    """Return everything in ``document`` that its schema does not allow."""
    problems = {
        problem for error in scenario_validator().iter_errors(document.value) for problem in _worded(error, document)
    }
    return sorted(problems)


def _worded(error: "ValidationError", document: Document) -> Iterator[Problem]:
    place: Place = tuple(error.absolute_path)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    keyword = error.validator
    if (
        keyword == "additionalProperties"
        and isinstance(error.instance, Mapping)
        and schema["additionalProperties"] is False
    ):
        known = schema["properties"]
        for key in error.instance:
            if key not in known:
                yield document.problem((*place, key), f"unknown key '{key}'{did_you_mean(key, known)}", at_key=True)
        return
    if "x-message" in schema:
        message = str(schema["x-message"]).replace("{value}", _shown(error.instance))
        at = schema.get("x-at")
        if at is not None:
            yield document.problem((*place, at), message, at_key=True)
        elif "propertyNames" in error.absolute_schema_path:
            yield document.problem((*place, str(error.instance)), message, at_key=True)
        else:
            yield document.problem(place, message)
        return
    if keyword == "required" and isinstance(error.instance, Mapping):
        for key in schema["required"]:
            if key not in error.instance:
                yield document.problem(place, f"{_where(place)} lacks the key '{key}'", at_key=bool(place))
        return
    yield document.problem(place, _sentence(error, place, schema))


def _sentence(error: "ValidationError", place: Place, schema: Mapping[str, Any]) -> str:
    shown, where = _shown(error.instance), _where(place)
    match error.validator:
        case "enum":
            known = [str(item) for item in schema["enum"]]
            guess = did_you_mean(error.instance, known) if isinstance(error.instance, str) else ""
            return f"unknown {schema.get('x-noun', 'value')} {shown}{guess or ''} (one of: {', '.join(known)})"
        case "type":
            wanted = schema["type"]
            words = " or ".join(_TYPE_WORDS[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
            hint = "; write it in quotes" if isinstance(error.instance, UnquotedDate) else ""
            return f"{where} must be {words}, not {shown}{hint}"
        case "minItems":
            return f"{where} is empty: list at least one"
        case "uniqueItems":
            return f"{where} lists something twice"
        case "maxLength":
            return f"{where} is longer than {schema['maxLength']} characters"
        case "maxItems":
            return f"{where} has more than {schema['maxItems']} entries"
        case "minimum" | "maximum":
            return f"{where} must be between {schema.get('minimum')} and {schema.get('maximum')}, not {shown}"
        case "pattern":
            return f"{where} must not be blank"
        case _:
            return f"{where}: {error.message}"


def _where(place: Place) -> str:
    """Return ``place`` as a person would write it: ``online.hold``, ``targets[0]``, or *the scenario* for the top."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".") or "the scenario"


def _shown(value: object) -> str:
    """Return ``value`` short enough for one line."""
    if isinstance(value, UnquotedDate):
        return f"the date {value.text}"
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    text = json.dumps(value, ensure_ascii=False)
    text = f"'{text[1:-1]}'" if isinstance(value, str) else text
    return text if len(text) <= 80 else text[:76] + "…" + text[-1:]
