"""Each check says what it found; the exit code is that of the worst."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.run.examination import (
    Check,
    code_of_checks,
    examine_control_plane,
    examine_leftovers,
    examine_state_folder,
)


@pytest.mark.parametrize(
    ("causes", "code"),
    [
        ((), 0),
        ((None,), 2),
        (("control-plane-unavailable",), 3),
        (("control-plane-unavailable", "aws-access-denied"), 3),
    ],
)
def test_the_exit_code_is_the_first_that_applies(causes: tuple[str | None, ...], code: int) -> None:
    checks = [Check("x", "ok", "fine"), *(Check("x", "failed", "bad", cause) for cause in causes)]
    assert code_of_checks(checks) == code


def test_a_leftover_endpoint_fails_and_two_credentials_are_noted() -> None:
    assert examine_leftovers({"AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1"}).state == "failed"
    assert examine_leftovers({"AWS_PROFILE": "a", "AWS_ACCESS_KEY_ID": "b"}).state == "note"
    assert examine_leftovers({"AWS_PROFILE": "a", "AWS_ENDPOINT_URL": ""}).state == "ok"


def test_open_ledgers_are_noted_and_a_folder_that_cannot_be_made_fails(tmp_path: Path) -> None:
    assert examine_state_folder(tmp_path / "new" / "state").state == "ok"
    (tmp_path / "run-1.json").write_text("{}")
    check = examine_state_folder(tmp_path)
    assert (check.state, "run-1" in check.saying) == ("note", True)


def states(platform: Any, make_stage: Any, off: float) -> dict[str, str]:
    connection = make_stage(booted=False).run.connection
    served = datetime.now(UTC)
    return {
        check.name: check.state for check in examine_control_plane(connection, lambda: served + timedelta(seconds=off))
    }


@pytest.mark.parametrize(("off", "state"), [(0.0, "ok"), (50.0, "ok"), (120.0, "failed"), (-120.0, "failed")])
def test_a_clock_that_is_off_is_said_before_aws_refuses_us(
    off: float, state: str, platform: Any, make_stage: Any
) -> None:
    assert states(platform, make_stage, off) == {"control plane": "ok", "clock": state, "admin token": "ok"}


def test_a_control_plane_that_is_ill_is_not_asked_with_the_token(platform: Any, make_stage: Any) -> None:
    platform.answers["GET /health"] = lambda _: (502, b"<html>")
    assert states(platform, make_stage, 0.0) == {"control plane": "failed"}
    assert platform.seen("GET /cp/admin/orgs") == 0
