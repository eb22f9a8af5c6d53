"""The teardown: every step is taken, absence is proven or called a leak, and what is not ours is left alone."""

from typing import Any

import pytest

from e2e.hosts.access import HostRef
from e2e.hosts.errors import Throttled
from e2e.run.rows import CreatedRow, remember
from e2e.run.teardown import Teardown, TeardownResult
from e2e.run.waiting import Deadline

LIST = "GET /workspaces"
LEFT = HostRef("i-0000000000000000d", "tenant-e2e", ("name-tag",), "running", None)
DYING = HostRef("i-0000000000000000d", "tenant-e2e", ("name-tag",), "shutting-down", None)


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(pacing=clock, seconds=1e6, speed=100.0)


def tear_down(stage: Any, hosts: Any, rows: list[CreatedRow] | None = None, *, seconds: float = 60.0) -> TeardownResult:
    pacing = stage.run.pacing
    teardown = Teardown(stage.run, hosts, pacing, Deadline.after(pacing, seconds))
    return teardown.tear_down(stage.boot, rows or [])


def steps(stage: Any) -> dict[str, bool]:
    return {str(data["step"]): bool(data["ok"]) for data in stage.data("teardown")}


def test_what_was_created_goes_and_its_absence_is_proven(stage: Any, hosts: Any, platform: Any, clock: Any) -> None:
    rows = [remember(stage.run, [], "mine", "probe")]
    platform.create_workspace("mine")
    began = clock.now
    result = tear_down(stage, hosts, rows)
    assert result.complete
    assert platform.organisations == {}
    assert platform.rows == {}
    assert clock.now - began >= stage.run.time.wall(120.0)
    assert all(steps(stage).values())
    assert stage.run.ledger.close()


def test_where_nothing_was_created_nothing_is_sent(stage: Any, hosts: Any, platform: Any) -> None:
    stage.boot.organisation_entry = None
    result = tear_down(stage, hosts)
    assert result.complete
    assert result.saying == "nothing was created"
    assert platform.requests == []


def test_without_hosts_the_control_plane_alone_is_asked(stage: Any) -> None:
    assert tear_down(stage, None).complete


def test_a_workspace_that_never_had_a_row_is_no_trouble(stage: Any, hosts: Any) -> None:
    rows = [remember(stage.run, [], "never", "agent")]
    assert tear_down(stage, hosts, rows).complete
    assert [data["detail"] for data in stage.data("teardown") if "never" in data["step"]] == ["never had a row"]


def test_a_workspace_that_is_gone_already_is_no_trouble(stage: Any, hosts: Any) -> None:
    rows = [remember(stage.run, [], "gone", "agent")]
    rows[0].id = "w-1"
    assert tear_down(stage, hosts, rows).complete
    assert [data["detail"] for data in stage.data("teardown") if "gone" in data["step"]] == ["gone already"]


def test_a_workspace_that_never_settles_does_not_eat_the_budget_of_the_org(
    stage: Any, hosts: Any, platform: Any
) -> None:
    rows = [remember(stage.run, [], "stuck", "probe")]
    platform.create_workspace("stuck", status="provisioning")
    assert tear_down(stage, hosts, rows, seconds=9.0).complete
    assert steps(stage)["workspace stuck"] is False
    assert steps(stage)["organisation absent"] is True


def test_a_tenant_that_does_not_answer_any_more_keeps_nothing_from_going(stage: Any, hosts: Any, platform: Any) -> None:
    platform.answers[LIST] = lambda _: (500, {})
    rows = [remember(stage.run, [], "mine", "probe")]
    assert tear_down(stage, hosts, rows).complete
    assert steps(stage)["workspace mine"] is False


def test_a_crash_in_one_step_keeps_no_other_from_being_taken(
    stage: Any, hosts: Any, platform: Any, monkeypatch: Any
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(Teardown, "_remove_workspaces", crash)
    assert tear_down(stage, hosts).complete
    assert platform.organisations == {}
    assert stage.data("harness_crashed")


def test_a_check_that_crashes_has_proven_nothing(stage: Any, hosts: Any, monkeypatch: Any) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(Teardown, "_prove_organisation_gone", crash)
    result = tear_down(stage, hosts)
    assert [leak.cause for leak in result.leaks] == ["absence-unprovable"]
    assert steps(stage)["instances absent"] is True


def test_a_delete_that_fails_at_first_is_sent_again(stage: Any, hosts: Any, platform: Any) -> None:
    usual = platform._usual
    name = f"DELETE /cp/admin/tenants/{stage.run.slug}"
    platform.answers[name] = lambda body: (503, {}) if platform.seen(name) < 3 else usual(name, body)
    assert tear_down(stage, hosts).complete
    assert platform.seen(name) == 3


def test_an_org_that_stays_is_a_leak_with_a_command(stage: Any, hosts: Any, platform: Any) -> None:
    platform.answers["DELETE /cp/admin/tenants/.*"] = lambda _: (200, {})
    result = tear_down(stage, hosts, seconds=3.0)
    assert not result.complete
    assert [leak.cause for leak in result.leaks] == ["leaked-org"]
    assert stage.run.slug in result.leaks[0].command
    assert "leaked-org" in result.saying
    assert not stage.run.ledger.close()


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("GET /cp/admin/tenants/.*/boot-events", (200, {"events": []})),
        ("GET /cp/admin/tenants/.*/boot-events", (404, {"error": "something else"})),
        ("GET /cp/admin/tenants/.*/boot-events", (404, b"not json")),
        ("GET /cp/admin/purges", (200, {"purges": []})),
        ("GET /cp/admin/purges", (200, {"purges": [{"slug": "another", "last_step": "completed"}]})),
        ("GET /cp/admin/orgs", (500, {})),
    ],
)
def test_absence_that_nobody_confirms_is_a_leak(
    stage: Any, hosts: Any, platform: Any, pattern: str, answer: Any
) -> None:
    platform.answers[pattern] = lambda _: answer
    result = tear_down(stage, hosts, seconds=3.0)
    assert [leak.cause for leak in result.leaks] == ["absence-unprovable"]


def test_a_delete_that_never_works_is_noted_and_the_absence_decides(stage: Any, hosts: Any, platform: Any) -> None:
    platform.answers["DELETE /cp/admin/tenants/.*"] = lambda _: (500, {})
    result = tear_down(stage, hosts, seconds=3.0)
    assert steps(stage)["delete organisation"] is False
    assert result.leaks[0].cause == "leaked-org"


def test_an_instance_that_stays_is_a_leak_and_is_named(stage: Any, hosts: Any) -> None:
    hosts.left = [[LEFT]] * 1000
    result = tear_down(stage, hosts, seconds=3.0)
    assert [leak.cause for leak in result.leaks] == ["leaked-instance"]
    assert "i-0000000000000000d running" in result.leaks[0].what


def test_an_instance_that_is_shutting_down_is_looked_at_again(stage: Any, hosts: Any) -> None:
    hosts.left = [[DYING], [DYING], []]
    assert tear_down(stage, hosts).complete


def test_an_instance_born_late_is_found_by_the_late_look(stage: Any, hosts: Any, clock: Any) -> None:
    hosts.left = [[]] * 10 + [[LEFT]] * 1000
    result = tear_down(stage, hosts, seconds=5.0)
    assert [leak.cause for leak in result.leaks] == ["leaked-instance"]


def test_instances_that_nobody_can_count_are_not_proven_gone(stage: Any, hosts: Any) -> None:
    hosts.left_error = Throttled("too many")
    result = tear_down(stage, hosts, seconds=3.0)
    assert [leak.cause for leak in result.leaks] == ["absence-unprovable"]
    assert "cannot look" in result.leaks[0].what


def test_an_org_whose_id_never_came_is_deleted_by_its_slug_and_name(stage: Any, hosts: Any, platform: Any) -> None:
    stage.boot.organisation = None
    assert tear_down(stage, hosts).complete
    assert platform.purged == [stage.run.slug]


def test_an_org_of_another_name_under_our_slug_is_never_deleted(stage: Any, hosts: Any, platform: Any) -> None:
    stage.boot.organisation = None
    platform.organisations[stage.run.slug]["name"] = "somebody else's"
    result = tear_down(stage, hosts, seconds=3.0)
    assert platform.purged == []
    assert not result.complete
    assert steps(stage)["delete organisation"] is False


def purge_that_answers(platform: Any, slug: str, *statuses: int) -> None:
    """Let the purge answer these statuses, one per request and the last one for ever; below 300 it takes the org."""
    left = list(statuses)

    def answer(_: object) -> tuple[int, object]:
        status = left.pop(0) if len(left) > 1 else left[0]
        if status < 300:
            platform.organisations.pop(slug, None)
            platform.purged.append(slug)
        return status, {}

    platform.answers[f"DELETE /cp/admin/tenants/{slug}"] = answer


@pytest.mark.parametrize("status", [202, 409])
def test_a_purge_that_is_queued_or_busy_is_asked_for_again(status: int, stage: Any, hosts: Any, platform: Any) -> None:
    slug = stage.run.slug
    purge_that_answers(platform, slug, status, status, 200)
    assert tear_down(stage, hosts).complete
    assert platform.seen(f"DELETE /cp/admin/tenants/{slug}") == 3


@pytest.mark.parametrize("status", [202, 409])
def test_a_purge_that_stays_queued_or_busy_leaves_the_budget_to_the_absence_proof(
    status: int, stage: Any, hosts: Any, platform: Any, clock: Any
) -> None:
    slug = stage.run.slug
    purge_that_answers(platform, slug, status)
    began = clock.now
    result = tear_down(stage, hosts, seconds=300.0)
    asked = platform.seen(f"DELETE /cp/admin/tenants/{slug}")
    assert 12 <= asked <= 14
    assert result.complete is (status == 202)
    assert clock.now - began >= stage.run.time.wall(60.0)
