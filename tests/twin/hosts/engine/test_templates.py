"""The few Go templates that are known."""

import pytest

from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.templates import render

_SUBJECT = {"Id": "c0ffee", "State": {"Running": True, "Pid": 7}, "Nothing": None}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Id}} {{ .State.Pid }}", "c0ffee 7"),
        ("{{.State.Running}}", "true"),
        ("{{json .State}}", '{"Running":true,"Pid":7}'),
        ("{{.Nothing}}", "<no value>"),
        ("json", '{"Id":"c0ffee","State":{"Running":true,"Pid":7},"Nothing":null}'),
        ("plain", "plain"),
    ],
)
def test_fields_and_json_are_filled_in(template: str, text: str) -> None:
    assert render(template, _SUBJECT) == text


@pytest.mark.parametrize("template", ["{{.Missing}}", "{{.Id.Deeper}}", "{{range .State}}x{{end}}", "{{len .Id}}"])
def test_what_is_not_known_is_refused_and_not_guessed(template: str) -> None:
    with pytest.raises(EngineError, match="template parsing error"):
        render(template, _SUBJECT)
