"""A session: refused before anything is created, one account of all its runs, one receipt."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import scenarios_folder
from e2e.run import scenario_run
from e2e.run.session import Session, SessionOptions, SessionResult, new_session_id, open_session
from e2e.run.waiting import Interrupted
from e2e.scenario.loader import load_scenario
from e2e.scenario.model import Expectation, OnlineRules, RegistryLogRules, Scenario, TwinOptions
from e2e.verdict.environment import ConfigurationError
from e2e.verdict.receipt import code_of_receipt, read_receipt

NO_ENVIRONMENT: Mapping[str, str] = {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def twin_file(platform: Any, tmp_path: Path) -> Path:
    """The line of a twin whose platform is the stand-in."""
    line = {
        "control_plane_url": platform.url, "admin_token": "t" * 20, "tenant_url": platform.url, "tenant_domain": "d",
        "aws_endpoint_url": platform.url, "aws_access_key_id": "a", "aws_secret_access_key": "s" * 20,
        "aws_region": "r", "aws_account": "1", "speed": 2000, "image": "i", "gate": "g", "pid": 1,
    }  # fmt: skip
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(line))
    return path


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Session]:
    """Opens sessions below the test's folder."""

    def open_it(environ: Mapping[str, str] | None = None, said: list[str] | None = None, **options: Any) -> Session:
        given = {"E2E_STATE_DIR": str(tmp_path / "state"), **NO_ENVIRONMENT, **(environ or {})}
        return open_session(
            SessionOptions(out=tmp_path / "out", **options), given, ([] if said is None else said).append
        )

    return open_it


@pytest.fixture
def fresh() -> Scenario:
    return load_scenario(scenarios_folder() / "fresh_boot.yaml")


def receipt(result: SessionResult, session: Session) -> dict[str, Any]:
    return read_receipt(result.folder, session.nonce)


@pytest.mark.parametrize(
    ("environ", "options", "words"),
    [
        ({"E2E_REQUIRE_LIVE": ""}, {}, "E2E_REQUIRE_LIVE"),
        ({"E2E_REQUIRE_LIVE": "maybe"}, {}, "maybe"),
        ({"E2E_REQUIRE_LVE": "1"}, {}, "did you mean E2E_REQUIRE_LIVE"),
        ({"E2E_TARGET": "moon"}, {}, "moon"),
        ({}, {"target": "moon"}, "moon"),
        ({}, {"target": "docker"}, "docker is not built yet"),
        ({}, {"keep": "always"}, "the twin of a run ends with the run"),
        ({}, {"keep": "on-failure"}, "--twin FILE"),
        ({"E2E_KEEP_ORG": "1"}, {}, "in vain"),
        ({"E2E_RUN_ID": "latest"}, {}, "name of the link"),
        ({"E2E_RUN_ID": "../x"}, {}, "E2E_RUN_ID"),
        ({}, {"speed": float("nan")}, "--speed"),
        ({}, {"twin": Path("/nonexistent/twin.json")}, "--twin /nonexistent/twin.json"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_created(
    opened: Any, tmp_path: Path, environ: dict[str, str], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        opened(environ, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "garbage", "[]", "{}", '{"control_plane_url": "http://127.0.0.1:1"}', "\udc80"])
def test_a_file_that_is_no_line_of_a_twin_is_refused(opened: Any, tmp_path: Path, text: str) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match="give a file with the line of `twin serve --json`"):
        opened(twin=path)


def test_a_twin_is_target_local_and_has_its_own_speed(opened: Any, twin_file: Path) -> None:
    session = opened(twin=twin_file)
    assert (session.policy.target, session.policy.live, session.policy.speed) == ("local", False, 2000.0)
    assert opened(twin=twin_file, speed=2000.0).policy.speed == 2000.0
    with pytest.raises(ConfigurationError, match="--speed 5 is in vain"):
        opened(twin=twin_file, speed=5.0)


def test_a_twin_never_stands_in_for_the_live_platform(opened: Any, twin_file: Path) -> None:
    credentials = {"MOLECULE_ADMIN_TOKEN": "x" * 20, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    environ = {**credentials, "E2E_AWS_ACCOUNT": "111122223333"}
    with pytest.raises(ConfigurationError):
        opened(environ, twin=twin_file, target="staging")
    with pytest.raises(ConfigurationError):
        opened({**environ, "E2E_TARGET": "staging"}, twin=twin_file)


def test_an_attached_twin_may_keep_what_was_created(opened: Any, twin_file: Path) -> None:
    assert opened(twin=twin_file, keep="always").policy.keep == "always"


def test_credentials_that_are_missing_are_listed_line_by_line_under_require_live(opened: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        opened(require_live=True)
    assert [line.split(" ")[0] for line in refused.value.problems] == ["MOLECULE_ADMIN_TOKEN", "AWS", "E2E_AWS_ACCOUNT"]


def test_a_session_id_is_used_once(opened: Any, tmp_path: Path) -> None:
    environ = {"E2E_RUN_ID": "nightly-1"}
    opened(environ).prepare()
    opened(environ)
    (tmp_path / "out" / "nightly-1" / "pytest.log").write_text("")
    with pytest.raises(ConfigurationError, match="never written over"):
        opened(environ)


def test_a_folder_with_a_receipt_is_not_used_again(opened: Any, tmp_path: Path) -> None:
    session = opened(session_id="given")
    session.finish()
    with pytest.raises(ConfigurationError, match="has a receipt already"):
        opened(session_id="given").prepare()


def test_folders_that_cannot_be_made_are_refused_before_anything_is_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for environ, out, name in (
        ({}, tmp_path / "file" / "out", "--out"),
        ({"E2E_STATE_DIR": str(tmp_path / "file" / "state")}, tmp_path / "out", "E2E_STATE_DIR"),
    ):
        session = open_session(SessionOptions(out=out), {**NO_ENVIRONMENT, **environ}, lambda _: None)
        with pytest.raises(ConfigurationError, match=f"^{name}: .* cannot be made"):
            session.prepare()


def test_a_folder_that_cannot_be_written_is_refused(opened: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        opened().prepare()


def test_a_scenario_for_another_target_is_refused_only_where_it_is_named(opened: Any, fresh: Scenario) -> None:
    red = replace(fresh, targets=("staging",))
    assert opened().refusals(red, named=False) == ()
    assert "not for target local" in opened().refusals(red, named=True)[0]
    assert opened().refusals(fresh, named=True) == ()


def test_a_scenario_that_needs_its_own_twin_is_refused_while_attached(
    opened: Any, fresh: Scenario, twin_file: Path
) -> None:
    own = replace(fresh, twin=TwinOptions(light_mcp=True))
    assert opened().refusals(own, named=False) == ()
    assert "twin of its own" in opened(twin=twin_file).refusals(own, named=False)[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prove": ("online", "torn_down")}, "does not demand"),
        ({"online": OnlineRules(900.0, 30.0)}, "holds for 30 s"),
        ({"registry_log": RegistryLogRules(("(core#3082)",))}, "the floor forbids"),
    ],
)
def test_no_scenario_goes_under_the_floor_of_require_live(
    opened: Any, fresh: Scenario, changes: dict[str, Any], words: str
) -> None:
    low = replace(fresh, **changes)
    assert opened().refusals(low, named=True) == ()
    assert words in opened(require_live=True, rehearse=True, target="local").refusals(low, named=True)[0]


def test_on_the_live_target_only_proof_can_be_expected(opened: Any, fresh: Scenario) -> None:
    red = replace(fresh, expect=Expectation("failed", "PRODUCT", "mcp-not-delivered"))
    assert "expects a failure" in opened(target="staging").refusals(red, named=True)[0]


def test_a_forbidden_text_that_no_known_line_holds_is_refused(opened: Any, fresh: Scenario) -> None:
    odd = replace(fresh, registry_log=RegistryLogRules(("reason=platform_agent_", "no such text")))
    assert "no such text" in opened().refusals(odd, named=True)[0]


def test_a_session_of_one_proven_run_ends_with_zero(
    opened: Any, fresh: Scenario, twin_file: Path, monkeypatch: Any, hosts: Any
) -> None:
    monkeypatch.setattr(scenario_run, "aws_access", lambda **_: hosts)
    session = opened(twin=twin_file)
    session.demand(fresh.path)
    session.prepare()
    session.run_scenario(fresh)
    result = session.finish()
    assert result.code == 0
    document = receipt(result, session)
    assert code_of_receipt(document) == 0
    assert [line["outcome"] for line in document["runs"]] == ["proven"]
    assert (result.folder.parent / "latest").resolve() == result.folder.resolve()
    assert (result.folder / "summary.md").read_text().startswith("# concierge-e2e")
    assert any("claim:" in line for line in result.lines)


def test_a_rehearsal_never_ends_with_zero(
    opened: Any, fresh: Scenario, twin_file: Path, monkeypatch: Any, hosts: Any
) -> None:
    monkeypatch.setattr(scenario_run, "aws_access", lambda **_: hosts)
    session = opened(twin=twin_file, require_live=True, rehearse=True)
    session.demand(fresh.path)
    run = session.run_scenario(fresh)
    result = session.finish()
    assert (run.line.outcome, run.verdict["rehearsal"], result.code) == ("proven", True, 5)
    assert "a rehearsal: nothing live was proven" in receipt(result, session)["remarks"]


def test_an_embedded_target_under_require_live_runs_nothing_and_ends_with_five(
    opened: Any, fresh: Scenario, platform: Any, twin_file: Path, tmp_path: Path
) -> None:
    session = opened(require_live=True, target="local", twin=twin_file)
    session.demand(fresh.path)
    session.prepare()
    session.run_scenario(fresh)
    result = session.finish()
    assert result.code == 5
    assert platform.requests == []
    assert not (tmp_path / "state").exists()
    assert any("nothing live was proven" in line for line in result.lines)


def test_staging_without_credentials_is_a_skip_that_says_so(opened: Any, fresh: Scenario) -> None:
    session = opened(target="staging")
    session.demand(fresh.path)
    session.run_scenario(fresh)
    result = session.finish()
    assert result.code == 0
    assert [line["outcome"] for line in receipt(result, session)["runs"]] == ["skipped"]
    assert "MOLECULE_ADMIN_TOKEN is not set" in "\n".join(result.lines)


def test_a_file_that_was_demanded_and_not_run_is_unproven(opened: Any, fresh: Scenario) -> None:
    session = opened()
    session.demand(fresh.path)
    result = session.finish()
    assert result.code == 5
    assert receipt(result, session)["remarks"] == [f"{fresh.path}: demanded and not run"]


def test_nothing_collected_is_unproven(opened: Any) -> None:
    session = opened()
    result = session.finish()
    assert result.code == 5
    assert receipt(result, session)["remarks"] == ["no scenario was collected: nothing was proven"]
    assert not session.concerned


@pytest.mark.parametrize(("require_live", "code"), [(False, 0), (True, 5)])
def test_files_that_are_not_for_this_target_are_told_and_not_demanded(
    opened: Any, fresh: Scenario, require_live: bool, code: int
) -> None:
    said: list[str] = []
    session = opened(said=said, require_live=require_live, rehearse=require_live, target="local")
    session.not_applicable(fresh.path)
    session.demand(fresh.path)
    assert session.finish().code == code
    assert said == [f"{fresh.path}: not applicable to target local"]


@pytest.mark.parametrize(("require_live", "code"), [(False, 130), (True, 5)])
def test_an_interrupted_session_says_so(opened: Any, fresh: Scenario, require_live: bool, code: int) -> None:
    session = opened(require_live=require_live, rehearse=require_live, target="local")
    session.demand(fresh.path)
    session.interrupt()
    with pytest.raises(Interrupted):
        session.run_scenario(fresh)
    result = session.finish()
    assert result.code == code
    assert code_of_receipt(receipt(result, session)) == code
    assert "interrupted: the session was asked to stop" in result.lines


def test_a_session_interrupted_after_its_proof_is_interrupted_all_the_same(opened: Any, fresh: Scenario) -> None:
    session = opened(target="staging")
    session.demand(fresh.path)
    session.run_scenario(fresh)
    session.interrupt()
    assert session.finish().code == 130


def test_a_crash_of_ours_becomes_a_line_of_the_receipt(opened: Any, fresh: Scenario, monkeypatch: Any) -> None:
    def crash(_: object) -> None:
        raise TimeoutError("a bug of ours")

    monkeypatch.setattr(scenario_run, "run_scenario", crash)
    session = opened()
    session.demand(fresh.path)
    assert session.run_scenario(fresh).line.code == 70
    result = session.finish()
    assert result.code == 70
    assert code_of_receipt(receipt(result, session)) == 70


def test_runs_of_one_scenario_are_numbered(opened: Any, fresh: Scenario) -> None:
    session = opened(session_id="s")
    assert [session.next_run_id(fresh) for _ in range(2)] == ["s.fresh-boot.1", "s.fresh-boot.2"]


def test_a_link_that_cannot_be_set_costs_nothing_but_a_line(opened: Any, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "out" / "latest").mkdir(parents=True)
    session = opened(said=said)
    session.finish()
    assert "cannot be pointed" in said[0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([session.session_id, "latest"])


def test_session_ids_sort_by_time_and_do_not_collide() -> None:
    from datetime import UTC, datetime

    early, late = datetime(2026, 6, 19, 10, 0, tzinfo=UTC), datetime(2026, 6, 19, 10, 1, tzinfo=UTC)
    assert new_session_id(early) < new_session_id(late)
    assert new_session_id(early) != new_session_id(early)
