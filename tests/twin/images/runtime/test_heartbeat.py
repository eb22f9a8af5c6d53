"""The heartbeat: it goes on, whatever happens."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HEARTBEAT = ("POST", "/registry/heartbeat")


@pytest.fixture
def beat(image_module: Callable[[str], Any], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts a heartbeat every few milliseconds: ``beat(url, build_body)``."""
    loops: list[Any] = []

    def beat(url: str, build_body: Callable[[], dict[str, object]]) -> None:
        credentials = image_module("molecule_runtime.credentials").Credentials(tmp_path, {})
        client = image_module("molecule_runtime.platform_client").PlatformClient(url, 10)
        loop = image_module("molecule_runtime.heartbeat").HeartbeatLoop(client, build_body, credentials, 0.005)
        loops.append(loop)
        loop.start()

    yield beat
    for loop in loops:
        loop.stop()


def _enough(count: int) -> tuple[threading.Event, Callable[[], dict[str, object]]]:
    """An event that is set when a body has been built ``count`` times, and what builds it."""
    reached, built = threading.Event(), iter(range(1, 10_000))

    def build() -> dict[str, object]:
        if next(built) > count:
            reached.set()
        return {"workspace_id": "w"}

    return reached, build


@pytest.mark.parametrize("status", [401, 410, 500])
def test_no_http_status_is_a_failure(beat: Any, tenant: Any, capsys: Any, status: int) -> None:
    tenant.answers[HEARTBEAT] = (status, {"error": "x"})
    beat(tenant.url, lambda: {"workspace_id": "w"})

    tenant.wait_for(*HEARTBEAT, count=5)

    assert capsys.readouterr().err == ""


def test_lost_beats_are_told_three_times_and_then_every_tenth(beat: Any, capsys: Any) -> None:
    reached, build = _enough(21)
    beat("http://127.0.0.1:9", build)
    assert reached.wait(30)

    told = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]

    assert told[:5] == [f"Heartbeat failed ({count} consecutive)" for count in (1, 2, 3, 10, 20)]


def test_a_body_that_cannot_be_built_does_not_end_the_beat(beat: Any, tenant: Any, capsys: Any) -> None:
    problems = iter([ZeroDivisionError("once")])

    def build() -> dict[str, object]:
        for problem in problems:
            raise problem
        return {"workspace_id": "w"}

    beat(tenant.url, build)
    tenant.wait_for(*HEARTBEAT)

    assert "Heartbeat thread error: once — retrying in" in capsys.readouterr().err


def test_the_secret_of_an_answer_is_kept(beat: Any, tenant: Any, tmp_path: Path) -> None:
    beat(tenant.url, lambda: {"workspace_id": "w"})
    tenant.wait_for(*HEARTBEAT, count=2)

    assert (tmp_path / ".platform_inbound_secret").read_text() == "inbound"
    assert not (tmp_path / ".auth_token").exists()
