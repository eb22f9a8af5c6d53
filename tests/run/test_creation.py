"""The probe's half of the capability: listed, called, answered, and a row that stays."""

from types import SimpleNamespace
from typing import Any

import pytest

from e2e.run.creation import judge_creation
from e2e.run.looks import Launch
from e2e.run.rows import remember
from e2e.run.stages import StageBook
from e2e.verdict.findings import look_seen


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(pacing=clock, seconds=1e6, speed=100.0)


@pytest.fixture
def judge(stage: Any) -> Any:
    """Judges one launch and returns how both stages ended."""

    def judge_it(launch: dict[str, Any] | None, *, launched: bool = True, reachable: bool = True) -> Any:
        book = StageBook(stage.run.journal, stage.run.pacing)
        if reachable:
            book.record("hosts_reachable", "established", "there", evidence=("x",))
        rows = [remember(stage.run, [], "mine", "probe")]
        look = look_seen({"number": 1, "trigger": "t", "evidence": "evidence/look-1.json", "launch": launch})
        looks = SimpleNamespace(seen=lambda: [look])
        plan = Launch("mine") if launched else None
        judge_creation(stage.run, book, looks, stage.tenant, stage.row, rows, plan)  # type: ignore[arg-type]
        return {record.name: record for record in book.records()}

    return judge_it


def sound(identity: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "phase": "done", "trouble": None, "tools": ["create_workspace"], "required_listed": True, "other_names": [],
        "takes_arguments": True, "call_answered": True, "call_trouble": None, "call_error": None,
        "workspace_id": identity, **changes,
    }  # fmt: skip


def test_a_call_whose_row_stays_has_created_a_workspace(judge: Any, platform: Any, clock: Any, stage: Any) -> None:
    began = clock.now
    ends = judge(sound(platform.create_workspace("mine")))
    assert (ends["tool_listed"].state, ends["workspace_created"].state) == ("established", "established")
    assert clock.now - began >= stage.run.time.wall(60.0)
    assert stage.data("row")[0]["by"] == "probe"


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"tools": None, "phase": "handshake", "trouble": "ServerSilent"}, "stopped at handshake (ServerSilent)"),
        ({"required_listed": False, "other_names": ["provision_workspace"]}, "seen: provision_workspace"),
        ({"required_listed": False}, "seen: none of its names"),
        ({"takes_arguments": False}, "does not take the contract's arguments"),
    ],
)
def test_a_tool_that_cannot_be_called_is_refuted_with_what_was_seen(
    judge: Any, changes: dict[str, Any], saying: str
) -> None:
    ends = judge(sound("w", **changes))
    assert ends["tool_listed"].state == "refuted"
    assert saying in ends["tool_listed"].last_observation
    assert ends["workspace_created"].state == "not_run"


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"call_answered": False, "call_trouble": "ServerSilent"}, "was not answered (ServerSilent)"),
        ({"call_error": "HTTP 422"}, "answered with HTTP 422"),
    ],
)
def test_a_call_that_failed_created_nothing(judge: Any, changes: dict[str, Any], saying: str) -> None:
    end = judge(sound("w", **changes))["workspace_created"]
    assert end.state == "refuted"
    assert saying in end.last_observation


def test_a_good_answer_without_a_row_is_refuted(judge: Any, stage: Any) -> None:
    end = judge(sound("w-1"))["workspace_created"]
    assert end.state == "refuted"
    assert stage.data("row_absent")[0]["by"] == "probe"


def test_a_row_that_vanishes_within_the_minute_is_no_workspace(judge: Any, platform: Any) -> None:
    identity = platform.create_workspace("mine")
    usual = platform._usual

    def vanish(body: Any) -> tuple[int, object]:
        answer = usual("GET /workspaces", body)
        platform.rows.clear()
        return answer  # type: ignore[no-any-return]

    platform.answers["GET /workspaces"] = vanish
    assert judge(sound(identity))["workspace_created"].state == "refuted"


def test_a_row_with_another_id_is_not_the_one_of_the_call(judge: Any, platform: Any) -> None:
    platform.create_workspace("mine")
    assert "is not the one" in judge(sound("another"))["workspace_created"].last_observation


def test_a_row_that_failed_is_the_products_failure(judge: Any, platform: Any) -> None:
    end = judge(sound(platform.create_workspace("mine", status="failed")))["workspace_created"]
    assert end.cause == "created-workspace-failed"


def test_without_a_launch_nothing_is_listed(judge: Any) -> None:
    ends = judge(None)
    assert ends["tool_listed"].state == "expired"
    assert ends["workspace_created"].state == "not_run"
    assert judge(sound("w"), launched=False)["workspace_created"].state == "not_run"


def test_without_hosts_neither_is_run(judge: Any) -> None:
    ends = judge(sound("w"), reachable=False)
    assert {ends["tool_listed"].state, ends["workspace_created"].state} == {"not_run"}
