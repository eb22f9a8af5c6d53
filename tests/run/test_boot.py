"""From nothing to a concierge: what is waited out, what is given up, and what is never sent twice."""

from typing import Any

import pytest

from e2e.clients.errors import PlatformError, Refused, Rejected, Unavailable
from e2e.run import boot
from e2e.run.waiting import GivenUp, WaitExpired

LIST = "GET /cp/admin/orgs"
CREATE = "POST /cp/admin/orgs"


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(booted=False, pacing=clock, seconds=1e6)


def in_turn(*answers: tuple[int, object]) -> Any:
    """Give the answers one after another, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_the_intent_is_on_the_disk_before_the_first_request_leaves(stage: Any, platform: Any) -> None:
    seen: list[str] = []

    def look(_: Any) -> tuple[int, object]:
        seen.append(stage.run.ledger.path.read_text())
        return 403, {"error": "no"}

    platform.answers[CREATE] = look
    with pytest.raises(Refused):
        boot.create_organisation(stage.run, stage.boot)
    assert stage.run.slug in seen[0]


def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(stage: Any, platform: Any) -> None:
    def act_and_lose(body: Any) -> tuple[int, object]:
        platform.organisations[body["slug"]] = {"id": "org-1", "slug": body["slug"], "name": body["name"]}
        return 502, {"error": "bad gateway"}

    platform.answers[CREATE] = act_and_lose
    assert boot.create_organisation(stage.run, stage.boot).id == "org-1"
    assert platform.seen(CREATE) == 1


def test_a_lost_answer_that_did_not_act_is_sent_again(stage: Any, platform: Any) -> None:
    usual = platform._usual
    platform.answers[CREATE] = in_turn((503, {}), (503, {}))
    lose = platform.answers[CREATE]
    platform.answers[CREATE] = lambda body: lose(body) if platform.seen(CREATE) < 3 else usual(CREATE, body)
    boot.create_organisation(stage.run, stage.boot)
    assert platform.seen(CREATE) == 3
    assert stage.run.ledger.entries()[0].identity is not None


def test_an_org_of_another_name_under_our_slug_is_not_taken_for_ours(stage: Any, platform: Any) -> None:
    platform.organisations[stage.run.slug] = {"id": "theirs", "slug": stage.run.slug, "name": "somebody else"}
    platform.answers[CREATE] = lambda _: (503, {})
    with pytest.raises(Unavailable):
        boot.create_organisation(stage.run, stage.boot)
    assert platform.seen(CREATE) == boot.CREATE_TRIES


def test_a_list_that_cannot_be_had_proves_nothing_about_the_create_call(stage: Any, platform: Any) -> None:
    platform.answers[CREATE] = lambda _: (503, {})
    platform.answers[LIST] = lambda _: (500, {})
    with pytest.raises(Unavailable):
        boot.create_organisation(stage.run, stage.boot)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422])
def test_a_refused_create_call_is_final_and_leaves_nothing_to_remove(stage: Any, platform: Any, status: int) -> None:
    platform.answers[CREATE] = lambda _: (status, {"error": "no"})
    with pytest.raises((Rejected, Refused)):
        boot.create_organisation(stage.run, stage.boot)
    assert platform.seen(CREATE) == 1
    assert stage.boot.organisation_entry is None
    assert stage.run.ledger.entries()[0].settled


def test_a_slug_that_a_lost_call_has_taken_is_ours(stage: Any, platform: Any) -> None:
    def act_and_lose(body: Any) -> tuple[int, object]:
        if body["slug"] in platform.organisations:
            return 409, {"error": "taken"}
        platform.organisations[body["slug"]] = {"id": "org-1", "slug": body["slug"], "name": body["name"]}
        return 503, {}

    def list_once_it_works(_: Any) -> tuple[int, object]:
        return (503, {}) if platform.seen(CREATE) < 2 else (200, {"orgs": list(platform.organisations.values())})

    platform.answers[CREATE], platform.answers[LIST] = act_and_lose, list_once_it_works
    assert boot.create_organisation(stage.run, stage.boot).id == "org-1"
    assert platform.seen(CREATE) == 2
    assert not stage.run.ledger.entries()[0].settled


def test_what_may_have_been_created_stays_on_record_although_a_later_call_is_refused(stage: Any, platform: Any) -> None:
    platform.answers[CREATE] = in_turn((503, {}), (401, {"error": "no"}))
    with pytest.raises(Refused):
        boot.create_organisation(stage.run, stage.boot)
    assert stage.boot.organisation_entry is not None
    assert not stage.run.ledger.entries()[0].settled


def test_provisioning_is_waited_out_through_hiccups(stage: Any, platform: Any) -> None:
    platform.organisation_statuses = ["", "provisioning", "failed", "provisioning", "running"]
    usual = platform._usual
    platform.answers[LIST] = lambda body: (500, {}) if platform.seen(LIST) == 2 else usual(LIST, body)
    established = boot.provisioned(stage.run, stage.boot, stage.deadline(1e5))
    assert "running" in established.saying
    assert any("control plane:" in line for line in stage.said)


def test_failed_is_believed_once_it_has_settled_and_quotes_the_platform(stage: Any, platform: Any, clock: Any) -> None:
    platform.organisation_statuses = ["failed"]
    began = clock.now
    with pytest.raises(GivenUp, match="no capacity") as given_up:
        boot.provisioned(stage.run, stage.boot, stage.deadline(1e5))
    assert given_up.value.cause == "provisioning-failed"
    assert clock.now - began >= stage.run.time.wall(180.0)


def test_an_org_that_is_never_listed_expires_and_says_so(stage: Any, platform: Any) -> None:
    platform.answers[LIST] = lambda _: (200, {"orgs": []})
    with pytest.raises(WaitExpired, match="not listed"):
        boot.provisioned(stage.run, stage.boot, stage.deadline(0.2))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_a_wait_at_once(stage: Any, platform: Any, status: int) -> None:
    platform.answers[LIST] = lambda _: (status, {"error": "no"})
    with pytest.raises(Refused):
        boot.provisioned(stage.run, stage.boot, stage.deadline(1e5))


def ready(stage: Any) -> Any:
    boot.provisioned(stage.run, stage.boot, stage.deadline(1e5))
    try:
        return boot.tenant_ready(stage.run, stage.boot, stage.deadline(0.2))
    finally:
        if stage.boot.tenant is not None:
            stage.boot.tenant.close()


def test_a_tenant_is_ready_after_two_healths_in_a_row_and_a_json_list(stage: Any, platform: Any) -> None:
    platform.answers["GET /health"] = in_turn((200, {}), (503, {}), (200, {}), (200, {}))
    platform.answers["GET /cp/admin/orgs/[^/]+/admin-token"] = in_turn(
        (404, {}), (500, {}), (200, {"admin_token": "t" * 20})
    )
    assert ready(stage).saying == "healthy, build abc123"
    assert platform.seen("GET /health") == 4
    assert stage.run.masker.mask("t" * 20) != "t" * 20


def test_a_tenant_whose_door_does_not_open_is_not_ready(stage: Any, platform: Any, monkeypatch: Any) -> None:
    def no_answer(_: object) -> int:
        raise Unavailable("tenant-half-wired", "GET /health")

    monkeypatch.setattr("e2e.clients.tenant.Tenant.health", no_answer)
    with pytest.raises(WaitExpired) as expired:
        ready(stage)
    assert expired.value.cause == "tenant-half-wired"


def test_a_page_is_not_a_ready_tenant(stage: Any, platform: Any) -> None:
    platform.answers["GET /workspaces"] = lambda _: (200, b"<!doctype html>")
    with pytest.raises(WaitExpired, match="a page where JSON is due") as expired:
        ready(stage)
    assert expired.value.cause == "tenant-half-wired"


def test_a_tenant_that_refuses_its_own_token_is_given_up_at_once(stage: Any, platform: Any) -> None:
    platform.answers["GET /workspaces"] = lambda _: (401, {"error": "invalid admin auth token"})
    with pytest.raises(Refused) as refused:
        ready(stage)
    assert refused.value.cause == "tenant-unauthorized"


def test_a_control_plane_that_refuses_the_token_question_is_given_up(stage: Any, platform: Any) -> None:
    platform.answers["GET /cp/admin/orgs/[^/]+/admin-token"] = lambda _: (403, {})
    with pytest.raises(Refused):
        ready(stage)


def test_a_build_that_is_not_told_is_no_condition(stage: Any, platform: Any) -> None:
    platform.answers["GET /buildinfo"] = lambda _: (404, {})
    assert ready(stage).saying == "healthy, build unknown"


def found(make_stage: Any, clock: Any) -> Any:
    stage = make_stage(pacing=clock)
    stage.boot.concierge = None
    return stage, boot.concierge_found(stage.run, stage.boot, stage.deadline(0.2))


def test_the_one_platform_root_is_the_concierge(make_stage: Any, clock: Any, platform: Any) -> None:
    platform.create_workspace("ordinary", parent_id=None)
    platform.create_workspace("child", kind="platform")
    usual = platform._usual
    platform.answers["GET /workspaces"] = lambda body: (
        (500, {}) if platform.seen("GET /workspaces") == 1 else usual("GET /workspaces", body)
    )
    stage, established = found(make_stage, clock)
    assert stage.row.kind == "platform"
    assert "claude-code" in established.saying


def test_two_platform_roots_are_given_up_at_once(make_stage: Any, clock: Any, platform: Any) -> None:
    platform.create_workspace("second", kind="platform", parent_id=None)
    with pytest.raises(GivenUp, match="2 platform roots") as given_up:
        found(make_stage, clock)
    assert given_up.value.cause == "two-concierges"


def test_no_platform_root_is_waited_for_until_the_cap(make_stage: Any, clock: Any, platform: Any) -> None:
    platform.answers["GET /workspaces"] = lambda _: (200, [])
    with pytest.raises(WaitExpired, match="no platform root yet"):
        found(make_stage, clock)


def test_a_list_that_is_refused_is_given_up_at_once(make_stage: Any, clock: Any, platform: Any) -> None:
    platform.answers["GET /workspaces"] = lambda _: (403, {})
    with pytest.raises(Refused):
        found(make_stage, clock)


def test_a_stage_without_what_it_stands_on_is_an_error_of_the_platform_kind(stage: Any) -> None:
    for body in (boot.tenant_ready, boot.concierge_found):
        with pytest.raises(PlatformError):
            body(stage.run, stage.boot, stage.deadline())
