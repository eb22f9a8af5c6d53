"""Registration: when it is repeated, when not, and what it prints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REGISTER = ("POST", "/registry/register")


class Attempt:
    """One registration with its printed lines and pauses."""

    def __init__(self, load: Callable[[str], Any], url: str, folder: Path, give_up: bool = False) -> None:
        self.lines: list[str] = []
        self.pauses: list[float] = []
        self.credentials = load("molecule_runtime.credentials").Credentials(folder, {})
        client = load("molecule_runtime.platform_client").PlatformClient(url, 10)

        def pause(seconds: float) -> bool:
            self.pauses.append(seconds)
            return give_up

        register = load("molecule_runtime.registration").register
        self.accepted = register(client, lambda: {"id": "w"}, self.credentials, 2.0, self.lines.append, pause)


@pytest.fixture
def attempt(image_module: Callable[[str], Any], tenant: Any, tmp_path: Path) -> Callable[..., Attempt]:
    return lambda url=tenant.url, **options: Attempt(image_module, url, tmp_path, **options)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_any_client_error_is_one_attempt_and_one_line(attempt: Any, tenant: Any, status: int) -> None:
    tenant.answers[REGISTER] = (status, {"error": "no"})

    result = attempt()

    assert not result.accepted
    assert result.pauses == []
    (line,) = result.lines
    assert line == (
        f"Register: HTTP {status} is a client error (misconfiguration) — not retrying; "
        "proceeding (heartbeat backfill is the recovery path)"
    )


def test_a_server_error_is_repeated_with_growing_pauses_and_then_given_up(attempt: Any, tenant: Any) -> None:
    tenant.answers[REGISTER] = (503, {})

    result = attempt()

    assert not result.accepted
    assert result.pauses == [0.5, 1, 2, 4, 8, 15, 15]
    assert len(tenant.requests(*REGISTER)) == 8
    assert result.lines[0] == "Register: attempt 1/8 failed (HTTP 503), retrying in 1s..."
    assert result.lines[-1] == (
        "Warning: failed to register with platform after 8 attempts (HTTP 503) — proceeding; "
        "heartbeat backfill is the recovery path"
    )


def test_the_edge_is_told_apart(attempt: Any, tenant: Any) -> None:
    tenant.answers[REGISTER] = (530, {})

    assert "(HTTP 530 (Cloudflare edge — transient))" in attempt().lines[0]


def test_no_answer_is_repeated_too(attempt: Any) -> None:
    result = attempt(url="http://127.0.0.1:9")

    assert len(result.pauses) == 7
    assert "ConnectionRefusedError" in result.lines[0]


def test_a_runtime_that_is_told_to_stop_does_not_go_on_trying(attempt: Any, tenant: Any) -> None:
    tenant.answers[REGISTER] = (503, {})

    assert len(attempt(give_up=True).pauses) == 1


def test_an_accepted_registration_keeps_both_secrets(attempt: Any, tmp_path: Path) -> None:
    result = attempt()

    assert result.accepted
    assert result.lines == [
        "Registered with platform: 200",
        "Saved workspace auth token (value=[REDACTED])",
        "Saved platform_inbound_secret (value=[REDACTED])",
    ]
    assert (tmp_path / ".auth_token").read_text() == "workspace-token"
    assert result.credentials.headers() == {"Authorization": "Bearer workspace-token"}


def test_an_answer_without_secrets_keeps_what_was_there(attempt: Any, tenant: Any, tmp_path: Path) -> None:
    (tmp_path / ".auth_token").write_text("of before")
    tenant.answers[REGISTER] = (200, {"status": "registered"})

    result = attempt()

    assert result.lines == ["Registered with platform: 200"]
    assert tenant.requests(*REGISTER)[0].headers["authorization"] == "Bearer of before"
    assert (tmp_path / ".auth_token").read_text() == "of before"


def test_an_answer_that_is_not_json_is_a_warning(attempt: Any, tenant: Any) -> None:
    tenant.answers[REGISTER] = (200, b"<html>")

    result = attempt()

    assert result.accepted
    assert result.lines[1].startswith("Warning: couldn't parse register response for token: ")
