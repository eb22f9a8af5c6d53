"""One run from its order to its sealed bundle, on the stand-ins and on programs that behave like a twin or do not."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from e2e.evidence.bundle import Bundle
from e2e.evidence.events import EventLog, read_events
from e2e.hosts.errors import NotManaged, OutputCorrupt
from e2e.run import scenario_run
from e2e.run.hold import OnlineHold
from e2e.run.private_twin import PrivateTwin
from e2e.run.scenario_run import run_scenario
from e2e.scenario.model import TwinOptions


@pytest.fixture
def on_hosts(monkeypatch: pytest.MonkeyPatch, hosts: Any) -> Any:
    """Looks go to the stand-in hosts instead of AWS."""
    monkeypatch.setattr(scenario_run, "aws_access", lambda **_: hosts)
    return hosts


@pytest.fixture
def twin_is(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the private twin a few lines of Python."""

    def be(*lines: str) -> None:
        program = [sys.executable, "-c", "\n".join(("import sys", *lines))]
        monkeypatch.setattr(scenario_run, "PrivateTwin", partial(PrivateTwin, program=program))

    return be


def line_of_twin(url: str) -> str:
    document = {
        "control_plane_url": url, "admin_token": "t" * 20, "tenant_url": url, "tenant_domain": "d",
        "aws_endpoint_url": url, "aws_access_key_id": "a", "aws_secret_access_key": "s" * 20, "aws_region": "r",
        "aws_account": "1", "speed": 2000, "image": "i", "gate": "g", "pid": 1,
    }  # fmt: skip
    return f"print({json.dumps(document)!r}, flush=True)"


def kinds(order: Any) -> list[str]:
    return [event.kind for event in read_events(order.folder / "events.jsonl")]


def test_a_run_ends_with_a_sealed_bundle_and_a_closed_ledger(make_order: Any, on_hosts: Any, tmp_path: Path) -> None:
    order = make_order()
    result = run_scenario(order)
    assert (result.line.outcome, result.line.code) == ("proven", 0)
    assert result.verdict["claim"] == "row_by_agent"
    assert result.verdict["commands_sent"] == 3
    assert result.verdict["teardown"] == {"complete": True, "ledger_closed": True, "leaks": []}
    assert Bundle.verify(order.folder) == []
    assert list((tmp_path / "state" / "open").iterdir()) == []
    assert kinds(order)[0] == "demanded"


def test_no_secret_of_anybody_is_in_the_bundle(make_order: Any, on_hosts: Any, platform: Any) -> None:
    platform.agent = lambda fake, text: (
        200,
        {"result": {"parts": [{"kind": "text", "text": "environment-secret-0123"}]}},
    )
    order = make_order()
    run_scenario(order)
    text = b"".join(path.read_bytes() for path in order.folder.rglob("*") if path.is_file())
    for secret in (
        b"environment-secret-0123",
        b"admin-token-0123456789",
        b"tenant-token-0123456789",
        b"aws-secret-01234",
    ):
        assert secret not in text


def test_a_twin_that_refuses_the_scenario_is_a_matter_of_configuration(make_order: Any, twin_is: Any) -> None:
    twin_is("print('twin serve: unknown fault \\'nonsense\\'', file=sys.stderr)", "sys.exit(2)")
    order = make_order(attached=False, twin=TwinOptions(image="nonsense"))
    result = run_scenario(order)
    assert (result.line.cause_class, result.line.cause, result.line.code) == ("CONFIG", "target-refused", 2)
    assert "unknown fault" in result.verdict["summary"]
    assert "created" not in kinds(order)
    assert Bundle.verify(order.folder) == []


def test_a_twin_that_dies_at_once_is_a_fault_of_the_harness(make_order: Any, twin_is: Any) -> None:
    twin_is("sys.exit(9)")
    result = run_scenario(make_order(attached=False))
    assert (result.line.cause_class, result.line.code) == ("HARNESS", 70)


def test_a_twin_that_dies_during_the_run_is_never_the_products_fault(
    make_order: Any, twin_is: Any, on_hosts: Any, platform: Any
) -> None:
    platform.statuses = ["provisioning", "failed"]
    twin_is(line_of_twin(platform.url), "sys.exit(9)")
    order = make_order(attached=False)
    result = run_scenario(order)
    assert "target_unusable" in kinds(order)
    assert "HARNESS" in {failure["class"] for failure in result.verdict["candidates"]}


def test_a_twin_that_lasts_is_told_to_end_and_writes_its_log(
    make_order: Any, twin_is: Any, on_hosts: Any, platform: Any
) -> None:
    twin_is(line_of_twin(platform.url), "sys.stdin.read()", "print('good bye', file=sys.stderr)")
    order = make_order(attached=False, twin=TwinOptions(seed=1))
    assert run_scenario(order).line.code == 0
    assert (order.folder / "twin.log").read_text() == "good bye\n"
    assert (
        next(
            event.data["exit_code"]
            for event in read_events(order.folder / "events.jsonl")
            if event.kind == "twin_ended"
        )
        == 0
    )


def test_an_interruption_before_anything_was_created_leaves_nothing(make_order: Any, twin_is: Any) -> None:
    twin_is("sys.stdin.read()")
    order = make_order(attached=False)
    order.interruption.request()
    result = run_scenario(order)
    assert (result.line.cause, result.line.code) == ("interrupted", 130)
    assert "created" not in kinds(order)


def test_a_crash_of_ours_is_a_verdict_of_its_own(make_order: Any, monkeypatch: Any, platform: Any) -> None:
    def crash(**_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(scenario_run, "aws_access", crash)
    result = run_scenario(make_order())
    assert (result.line.cause, result.line.code) == ("harness-crashed", 70)
    assert platform.requests == []


def test_without_a_twin_and_without_a_connection_there_is_no_target(make_order: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(scenario_run, "_start_twin", lambda _: None)
    assert run_scenario(make_order(attached=False)).line.code == 70


def test_a_disk_that_is_full_during_the_teardown_stops_no_teardown_and_gives_no_verdict(
    make_order: Any, on_hosts: Any, monkeypatch: Any, platform: Any
) -> None:
    write = EventLog.write

    def full(self: EventLog, kind: str, data: Any) -> int:
        if kind == "teardown":
            raise OSError(28, "No space left on device")
        return write(self, kind, data)

    monkeypatch.setattr(EventLog, "write", full)
    with pytest.raises(OSError, match="No space left"):
        run_scenario(make_order())
    assert platform.organisations == {}


@pytest.mark.parametrize(
    ("keep", "statuses", "stays"),
    [
        ("always", ["provisioning", "online"], True),
        ("on-failure", ["provisioning", "online"], False),
        ("on-failure", ["provisioning", "failed"], True),
        ("never", ["provisioning", "failed"], False),
    ],
)
def test_what_is_kept_is_what_was_asked_for(
    make_order: Any, on_hosts: Any, platform: Any, keep: str, statuses: list[str], stays: bool
) -> None:
    platform.statuses = statuses
    result = run_scenario(make_order(policy={"keep": keep}))
    assert bool(platform.organisations) is stays
    torn_down = next(proof for proof in result.verdict["proofs"] if proof["name"] == "torn_down")
    assert torn_down["status"] == ("kept" if stays else "proven")


def test_looks_go_to_the_endpoint_and_with_the_keys_of_the_twin(
    make_order: Any, monkeypatch: Any, hosts: Any, platform: Any
) -> None:
    asked: dict[str, Any] = {}

    def access(**given: Any) -> Any:
        asked.update(given)
        given["audit"]({"command_id": "c"})
        return hosts

    monkeypatch.setattr(scenario_run, "aws_access", access)
    platform.answers["POST /cp/admin/orgs"] = lambda _: (403, {})
    platform.answers["GET /cp/admin/tenants/[^/]+"] = lambda _: (200, {"instance_id": "i-1"})
    order = make_order()
    result = run_scenario(order)
    (clients,) = asked["clients"]
    assert clients.endpoint_url == platform.url
    assert clients._credentials.access_key_id == "AKIAFAKE"
    assert "command" in kinds(order)
    assert (result.line.cause, result.line.code) == ("control-plane-unauthorized", 2)


def test_an_ssm_that_never_answers_is_the_clouds_fault_and_hides_nothing_of_the_http_side(
    make_order: Any, on_hosts: Any
) -> None:
    on_hosts.troubles = [NotManaged("the agent has not registered", instance_id="i-1")] * 10_000
    result = run_scenario(make_order(exact=frozenset({"cap"})))
    assert (result.line.cause_class, result.line.cause, result.line.code) == ("INFRA", "ssm-not-managed", 3)
    proofs = {proof["name"]: proof["status"] for proof in result.verdict["proofs"]}
    assert proofs["online"] == proofs["agent_acted"] == proofs["torn_down"] == "proven"
    assert proofs["settings_wired"] == proofs["tool_listed"] == "not_run"


def test_a_look_that_fails_on_the_concierges_host_is_the_clouds_fault(make_order: Any, on_hosts: Any) -> None:
    host = "i-0000000000000000c"
    on_hosts.failing = {host: OutputCorrupt("half of it", instance_id=host)}
    result = run_scenario(make_order())
    assert (result.line.cause_class, result.line.cause, result.line.code) == ("INFRA", "ssm-output-corrupt", 3)


def test_a_watch_that_crashes_is_the_harnesss_fault(make_order: Any, on_hosts: Any, monkeypatch: Any) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(OnlineHold, "take", crash)
    result = run_scenario(make_order())
    assert (result.line.cause_class, result.line.cause, result.line.code) == ("HARNESS", "harness-crashed", 70)
    assert result.verdict["teardown"]["complete"] is True


def test_a_watch_that_is_refused_is_a_matter_of_configuration(make_order: Any, on_hosts: Any, platform: Any) -> None:
    platform.answers["GET /workspaces/c0c0c0c0-.*"] = lambda _: (401, {"error": "invalid admin auth token"})
    result = run_scenario(make_order())
    assert (result.line.cause_class, result.line.cause, result.line.code) == ("CONFIG", "tenant-unauthorized", 2)
