"""The spine on a stand-in platform: what is established, what is not, and that collect and teardown always come."""

from typing import Any

import pytest

from e2e.hosts.errors import AccessDenied, OutputCorrupt
from e2e.run.plan import Limits
from e2e.run.spine import Spine
from e2e.scenario.model import OnlineRules

CONCIERGE = "c0c0c0c0-0000-4000-8000-000000000001"
CONCIERGE_HOST = "i-0000000000000000c"
LIST = "GET /cp/admin/orgs"
DIAGNOSTICS = "GET /cp/admin/tenants/[^/]+/diagnostics"
EVERYTHING = {
    "provisioned", "tenant_ready", "concierge_found", "online", "hosts_reachable", "image_running",
    "settings_wired", "presence_reported", "registered", "tool_listed", "workspace_created", "agent_acted", "torn_down",
}  # fmt: skip


def drive(stage: Any, hosts: Any, *, keep: bool = False) -> dict[str, str]:
    """Run a whole spine and return how each stage ended."""
    spine = Spine(stage.run, hosts)
    spine.boot_and_prove()
    spine.collect()
    spine.tear_down(keep=keep)
    spine.close()
    return {name: data["state"] for name, data in stage.ends().items()}


def test_a_sound_concierge_establishes_every_stage(make_stage: Any, hosts: Any) -> None:
    stage = make_stage(booted=False)
    assert drive(stage, hosts) == dict.fromkeys(EVERYTHING, "established")
    assert hosts.commands_sent == 3
    assert stage.run.ledger.close()


@pytest.mark.parametrize(("binary", "state"), [(True, "established"), (False, "refuted"), (None, "expired")])
def test_presence_by_the_retired_binary_is_presence_though_nothing_is_wired(
    make_stage: Any, hosts: Any, binary: bool | None, state: str
) -> None:
    hosts.concierge = {"settings": {"state": "absent"}, "legacy_binary": binary}
    ends = drive(make_stage(booted=False), hosts)
    assert (ends["settings_wired"], ends["presence_reported"]) == ("refuted", state)


def test_what_the_gate_refuses_is_seen_from_both_sides(make_stage: Any, hosts: Any, platform: Any) -> None:
    platform.statuses = ["provisioning", "failed"]
    hosts.concierge = {"presence": {"answer": "false"}}
    hosts.log = [
        {"core": "registry_register_400", "workspace": "concierge", "reason": "platform_agent_mcp_server_missing"}
    ]
    hosts.shows_controls = True
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert ends["online"] == "refuted"
    assert ends["presence_reported"] == "refuted"
    assert ends["agent_acted"] == "not_run"
    assert ends["tool_listed"] == ends["workspace_created"] == ends["settings_wired"] == "established"
    assert ends["torn_down"] == "established"
    assert [look["trigger"] for look in stage.data("look")][-1] == "failure settled"


def test_a_token_refused_during_the_hold_is_no_crash_of_the_harness(make_stage: Any, hosts: Any, platform: Any) -> None:
    stage = make_stage(booted=False)
    platform.answers[rf"GET /workspaces/{CONCIERGE}"] = lambda _: (401, {"error": "invalid admin auth token"})
    ends = drive(stage, hosts)
    assert ends["online"] == "blocked"
    assert stage.ends()["online"]["cause"] == "tenant-unauthorized"
    assert "harness_crashed" not in stage.kinds()
    assert stage.data("watch_ended")
    assert ends["settings_wired"] == "established"


def test_a_platform_that_says_nothing_about_the_row_is_named_as_such(
    make_stage: Any, hosts: Any, platform: Any
) -> None:
    stage = make_stage(booted=False, exact=frozenset({"cap"}), online=OnlineRules(400.0, 40.0))
    platform.answers[rf"GET /workspaces/{CONCIERGE}"] = lambda _: (503, {"error": "try later"})
    ends = drive(stage, hosts)
    assert ends["online"] == "expired"
    assert "no answer about the row" in str(stage.ends()["online"]["last_observation"])
    assert stage.ends()["online"]["cause"] == "tenant-half-wired"


def test_a_concierge_that_disappears_is_given_up_at_once(make_stage: Any, hosts: Any, platform: Any) -> None:
    stage = make_stage(booted=False)
    platform.answers[rf"GET /workspaces/{CONCIERGE}"] = lambda _: (404, {"error": "workspace not found"})
    ends = drive(stage, hosts)
    assert ends["online"] == "refuted"
    assert stage.ends()["online"]["cause"] == "concierge-removed"
    assert [data["status"] for data in stage.data("status")] == ["gone"]


def test_hosts_that_cannot_be_reached_do_not_hide_what_http_shows(make_stage: Any, hosts: Any) -> None:
    hosts.troubles = [AccessDenied("ssm:SendCommand", instance_id=CONCIERGE_HOST)]
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert ends["hosts_reachable"] == "blocked"
    assert stage.ends()["hosts_reachable"]["cause"] == "aws-access-denied"
    assert ends["online"] == ends["agent_acted"] == "established"
    needing = ("settings_wired", "presence_reported", "registered", "tool_listed", "workspace_created")
    assert {ends[name] for name in needing} == {"not_run"}


def test_a_look_that_fails_on_one_host_is_written_down_and_the_other_still_counts(make_stage: Any, hosts: Any) -> None:
    hosts.failing = {CONCIERGE_HOST: OutputCorrupt("short", instance_id=CONCIERGE_HOST)}
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert {data["cause"] for data in stage.data("look_failed")} == {"ssm-output-corrupt"}
    assert ends["settings_wired"] == ends["presence_reported"] == "blocked"
    assert stage.ends()["settings_wired"]["cause"] == "ssm-output-corrupt"
    assert ends["registered"] == "established"
    assert ends["tool_listed"] != "established"


def test_a_look_that_crashes_in_the_background_is_a_crash_of_the_harness(make_stage: Any, hosts: Any) -> None:
    hosts.run_error = RuntimeError("a bug of ours")
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert "a bug of ours" in str(stage.data("harness_crashed")[0]["error"])
    assert ends["torn_down"] == "established"


def test_an_interruption_ends_the_hold_and_still_tears_down(make_stage: Any, hosts: Any, platform: Any) -> None:
    stage = make_stage(booted=False)
    platform.statuses = ["provisioning"] * 3 + ["online"]

    def interrupt(_: Any) -> tuple[int, object]:
        stage.run.pacing.request()
        return 503, {}

    platform.answers[rf"GET /workspaces/{CONCIERGE}"] = interrupt
    ends = drive(stage, hosts)
    assert ends["online"] == "interrupted"
    assert "interrupted" in stage.kinds()
    assert set(ends) == EVERYTHING
    assert ends["torn_down"] == "established"
    assert stage.run.ledger.close()


def test_stages_that_never_began_are_not_run_and_say_what_they_need(make_stage: Any, hosts: Any, platform: Any) -> None:
    platform.answers["POST /cp/admin/orgs"] = lambda _: (403, {"error": "forbidden"})
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert ends["provisioned"] == "blocked"
    assert {ends[name] for name in EVERYTHING - {"provisioned", "torn_down"}} == {"not_run"}
    assert stage.ends()["workspace_created"]["last_observation"] == "needs tool_listed"
    assert stage.data("collected") == []


def test_the_probe_asks_nobody_while_the_tenant_does_not_say_that_the_name_is_free(
    make_stage: Any, hosts: Any, platform: Any
) -> None:
    stage = make_stage(booted=False)
    platform.statuses = ["provisioning", "failed"]

    def refuse_later(_: Any) -> tuple[int, object]:
        return (401, {}) if platform.looks_at_concierge else (200, [platform.concierge()])

    platform.answers["GET /workspaces"] = refuse_later
    ends = drive(stage, hosts)
    assert ends["tool_listed"] == "blocked"
    assert stage.ends()["tool_listed"]["cause"] == "tenant-unauthorized"
    assert all(request["launch"] is None for request in hosts.requests)


def test_a_failing_diagnosis_only_leaves_a_note(make_stage: Any, hosts: Any, platform: Any) -> None:
    platform.answers[DIAGNOSTICS] = lambda _: (500, {"error": "sorry"})
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert stage.data("collect_failed")
    assert ends == dict.fromkeys(EVERYTHING, "established")


def test_a_crash_while_collecting_does_not_keep_the_teardown_away(make_stage: Any, hosts: Any) -> None:
    stage = make_stage(booted=False)
    stage.run.bundle.write_json("diagnostics", {"somebody": "was here"})
    ends = drive(stage, hosts)
    assert stage.data("harness_crashed")
    assert ends["torn_down"] == "established"


def test_an_organisation_that_is_gone_before_the_teardown_is_written_down(
    make_stage: Any, hosts: Any, platform: Any
) -> None:
    stage = make_stage(booted=False)
    platform.answers[DIAGNOSTICS] = lambda _: (platform.organisations.clear(), (404, {"error": "org not found"}))[1]
    ends = drive(stage, hosts)
    assert [event["slug"] for event in stage.data("organisation_gone")] == [stage.run.slug]
    assert ends["online"] == "established"


@pytest.mark.parametrize("listed", [(200, {"orgs": [{"id": "x", "slug": "SLUG", "name": "n"}]}), (503, {})])
def test_diagnostics_that_cannot_be_had_do_not_say_that_the_organisation_is_gone(
    make_stage: Any, hosts: Any, platform: Any, listed: tuple[int, Any]
) -> None:
    stage = make_stage(booted=False)
    for row in listed[1].get("orgs", []):
        row["slug"] = stage.run.slug

    def answer_once(_: Any) -> tuple[int, object]:
        del platform.answers[LIST]
        return listed

    def lose_both(_: Any) -> tuple[int, object]:
        platform.answers[LIST] = answer_once
        return 503, {}

    platform.answers[DIAGNOSTICS] = lose_both
    drive(stage, hosts)
    assert stage.data("collect_failed")
    assert not stage.data("organisation_gone")


def test_a_teardown_that_crashes_has_proven_nothing(make_stage: Any, hosts: Any) -> None:
    hosts.left_error = ZeroDivisionError("a bug of ours")
    stage = make_stage(booted=False)
    ends = drive(stage, hosts)
    assert ends["torn_down"] == "refuted"
    assert [leak["cause"] for leak in stage.data("leak")] == ["absence-unprovable"]


def test_a_teardown_that_cannot_even_begin_is_a_leak(make_stage: Any, hosts: Any, monkeypatch: Any) -> None:
    stage = make_stage(booted=False)
    spine = Spine(stage.run, hosts)
    spine.boot_and_prove()
    monkeypatch.setattr("e2e.run.spine.Teardown", lambda *_: None)
    spine.tear_down(keep=False)
    spine.close()
    assert stage.ends()["torn_down"]["state"] == "blocked"
    assert [leak["cause"] for leak in stage.data("leak")] == ["absence-unprovable"]


def test_what_is_kept_on_request_stays_and_the_ledger_says_so(make_stage: Any, hosts: Any, platform: Any) -> None:
    stage = make_stage(booted=False)
    ends = drive(stage, hosts, keep=True)
    assert ends["torn_down"] == "kept"
    assert platform.organisations
    assert not stage.run.ledger.close()


def test_waits_end_where_the_environment_says(make_stage: Any, hosts: Any, platform: Any) -> None:
    platform.organisation_statuses = ["provisioning"]
    limits = Limits(caps={"provisioned": 100.0})
    stage = make_stage(booted=False, exact=frozenset({"cap"}), limits=limits)
    assert drive(stage, hosts)["provisioned"] == "expired"
    assert stage.ends()["provisioned"]["cap_seconds"] == 0.05


def test_failed_is_believed_after_the_settle_window_of_the_environment(
    make_stage: Any, hosts: Any, platform: Any
) -> None:
    platform.statuses = ["provisioning", "failed"]
    stage = make_stage(booted=False, limits=Limits(settle=1.0))
    drive(stage, hosts)
    assert platform.seen(f"GET /workspaces/{CONCIERGE}") < 60
    assert stage.ends()["online"]["state"] == "refuted"


def test_a_closing_control_that_is_lost_leaves_the_log_unjudged(make_stage: Any, hosts: Any, platform: Any) -> None:
    stage = make_stage(booted=False)
    post = platform._usual

    def lose_the_second(body: Any) -> tuple[int, object]:
        if platform.seen("POST /registry/register") > 1:
            raise ConnectionAbortedError
        answer: tuple[int, object] = post("POST /registry/register", body)
        return answer

    platform.answers["POST /registry/register"] = lose_the_second
    ends = drive(stage, hosts)
    assert stage.data("control_lost")[0]["order"] == "closing"
    assert ends["registered"] == "blocked"
    assert stage.ends()["registered"]["cause"] == "log-unreadable"
