"""The line of ``twin serve --json``: only a whole one, and only on loopback."""

import json
from typing import Any

import pytest

from e2e.run.target import TargetError, connection_of_twin

LINE: dict[str, Any] = {
    "control_plane_url": "http://127.0.0.1:4001",
    "admin_token": "admin-token",
    "tenant_url": "http://127.0.0.1:4002",
    "tenant_domain": "staging.twin.invalid",
    "aws_endpoint_url": "http://127.0.0.1:4003",
    "aws_access_key_id": "AKIATWIN",
    "aws_secret_access_key": "swordfish",
    "aws_region": "us-east-2",
    "aws_account": "111122223333",
    "speed": 100.0,
    "image": "claude-code",
    "gate": "2026-06-20",
    "pid": 4242,
}


def test_a_whole_line_is_a_connection() -> None:
    connection = connection_of_twin(json.dumps(LINE) + "\n")
    assert connection.control_plane_url == "http://127.0.0.1:4001"
    assert connection.speed == 100.0
    assert connection.process_id == 4242
    assert "admin-token" not in repr(connection)
    assert "swordfish" not in repr(connection.aws_keys)


@pytest.mark.parametrize("missing", list(LINE))
def test_a_line_that_lacks_something_says_what(missing: str) -> None:
    line = {key: value for key, value in LINE.items() if key != missing}
    with pytest.raises(TargetError, match=f"lacks or garbles '{missing}'"):
        connection_of_twin(json.dumps(line))


@pytest.mark.parametrize("line", ["", "not json", "[]", "null", '"a"'])
def test_what_is_no_such_line_is_refused(line: str) -> None:
    with pytest.raises(TargetError, match="twin serve --json"):
        connection_of_twin(line)


@pytest.mark.parametrize("speed", ["fast", None, 0, -1, float("nan"), float("inf")])
def test_an_impossible_speed_is_refused(speed: object) -> None:
    with pytest.raises(TargetError):
        connection_of_twin(json.dumps({**LINE, "speed": speed}))


@pytest.mark.parametrize("key", ["control_plane_url", "tenant_url", "aws_endpoint_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://api.moleculesai.app",
        "http://10.0.0.1:80",
        "127.0.0.1:80",
        "http://127.0.0.1.evil.example:1",
        "http://[x",
    ],
)
def test_a_twin_that_is_not_on_loopback_is_no_twin(key: str, url: str) -> None:
    with pytest.raises(TargetError, match="loopback"):
        connection_of_twin(json.dumps({**LINE, key: url}))
