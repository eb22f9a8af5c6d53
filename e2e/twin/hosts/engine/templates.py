"""The few Go templates that scripts give to `--format`: `json`, `{{json .}}`, `{{json .A.B}}`, `{{.A.B}}`."""

from __future__ import annotations

import json
import re

from e2e.twin.hosts.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_ACTION = re.compile(r"\{\{\s*(json\s+)?(\.[\w.]*)\s*\}\}")


def render(template: str, subject: Mapping[str, Any]) -> str:
    """Return ``template`` filled from ``subject``.

    Raises:
        EngineError: the template uses more than this program knows, or a field that is not there.
    """
    if template == "json":
        template = "{{json .}}"
    left_over = _ACTION.sub("", template)
    if "{{" in left_over:
        raise EngineError(
            f"template parsing error: this engine knows only {{{{.Field}}}} and {{{{json .Field}}}}: {template}", 64
        )
    return _ACTION.sub(lambda match: _value(subject, match[2], as_json=bool(match[1])), template)


def _value(subject: Mapping[str, Any], path: str, *, as_json: bool) -> str:
    value: Any = subject
    for name in filter(None, path.split(".")):
        if not isinstance(value, dict) or name not in value:
            raise EngineError(f'template parsing error: template: :1: map has no entry for key "{name}"')
        value = value[name]
    if as_json:
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, bool):
        return str(value).lower()
    return "<no value>" if value is None else str(value)
