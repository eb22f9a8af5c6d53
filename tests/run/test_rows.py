"""Workspaces that a run causes: remembered first, absent before, and judged by the tenant API."""

from typing import Any

import pytest

from e2e.clients.errors import Refused
from e2e.clients.tenant import WorkspaceRow
from e2e.run.rows import ABSENT_LOOKS, remember, require_absent, row_problem, wait_for_row
from e2e.run.waiting import GivenUp, WaitExpired

CONCIERGE = "c0c0c0c0-0000-4000-8000-000000000001"
LIST = "GET /workspaces"


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(pacing=clock, seconds=1e6, speed=100.0)


def wait(stage: Any, *, final: bool, seconds: float = 1e4) -> WorkspaceRow:
    rows = [remember(stage.run, [], "mine", "probe")]
    return wait_for_row(stage.run, stage.tenant, "mine", "probe", rows, final=final, deadline=stage.deadline(seconds))


def hiccup_once(platform: Any) -> None:
    usual = platform._usual
    platform.answers[LIST] = lambda body: (500, {}) if platform.seen(LIST) == 1 else usual(LIST, body)


def test_a_row_is_remembered_before_anybody_is_asked_for_it(stage: Any) -> None:
    rows: list[Any] = []
    remember(stage.run, rows, "mine", "agent")
    assert [(row.name, row.by, row.id) for row in rows] == [("mine", "agent", None)]
    assert '"mine"' in stage.run.ledger.path.read_text()


def test_the_row_that_comes_gives_the_ledger_its_identity(stage: Any, platform: Any) -> None:
    hiccup_once(platform)
    identity = platform.create_workspace("mine")
    assert wait(stage, final=False).id == identity
    assert stage.run.ledger.entries()[-1].identity == identity


def test_a_row_that_stays_away_after_a_final_answer_is_given_up(stage: Any, platform: Any, clock: Any) -> None:
    began = clock.now
    with pytest.raises(GivenUp, match="the answer was final"):
        wait(stage, final=True)
    assert clock.now - began >= 2.0
    assert platform.seen(LIST) >= ABSENT_LOOKS
    assert stage.data("row_absent")[0]["by"] == "probe"


def test_a_row_that_may_still_come_is_waited_for_until_the_cap(stage: Any) -> None:
    with pytest.raises(WaitExpired):
        wait(stage, final=False, seconds=4.0)
    assert stage.data("row_absent") == []


def test_two_rows_of_one_name_are_one_too_many(stage: Any, platform: Any) -> None:
    platform.create_workspace("mine")
    platform.create_workspace("mine")
    with pytest.raises(GivenUp, match="2 workspaces"):
        wait(stage, final=True)


def test_a_list_that_is_refused_ends_the_wait(stage: Any, platform: Any) -> None:
    platform.answers[LIST] = lambda _: (401, {})
    with pytest.raises(Refused):
        wait(stage, final=True)
    with pytest.raises(Refused):
        require_absent(stage.run, stage.tenant, "mine", deadline=stage.deadline())


def test_a_name_must_be_free_and_a_hiccup_does_not_say_that_it_is(stage: Any, platform: Any) -> None:
    hiccup_once(platform)
    require_absent(stage.run, stage.tenant, "mine", deadline=stage.deadline())
    assert platform.seen(LIST) == 2
    platform.create_workspace("mine")
    with pytest.raises(GivenUp, match="was there before"):
        require_absent(stage.run, stage.tenant, "mine", deadline=stage.deadline())


def test_a_tenant_that_never_answers_leaves_the_question_open(stage: Any, platform: Any) -> None:
    platform.answers[LIST] = lambda _: (500, {})
    with pytest.raises(WaitExpired) as expired:
        require_absent(stage.run, stage.tenant, "mine", deadline=stage.deadline(0.2))
    assert expired.value.cause is not None


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, None),
        ({"kind": "platform"}, "created-wrong-kind"),
        ({"kind": None}, "created-wrong-kind"),
        ({"parent_id": "somebody"}, "created-under-wrong-parent"),
        ({"parent_id": None}, "created-under-wrong-parent"),
        ({"status": "failed"}, "created-workspace-failed"),
        ({"status": "provisioning"}, None),
    ],
)
def test_what_is_wrong_with_a_row_has_a_cause(stage: Any, changes: dict[str, Any], cause: str | None) -> None:
    sound: dict[str, Any] = {
        "id": "w", "name": "mine", "kind": "workspace", "parent_id": CONCIERGE, "status": "online", "url": None,
        "runtime": None, "last_heartbeat_at": None, "last_sample_error": None, "wedged": None,
    }  # fmt: skip
    problem = row_problem(WorkspaceRow(**{**sound, **changes}), stage.row)
    assert (problem.cause if problem else None) == cause
