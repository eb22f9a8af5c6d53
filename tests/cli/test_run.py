"""``run``: bad input is one clear error and nothing is created; and only a receipt of its own is believed."""

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from e2e.cli.pytest_process import StopRequests
from e2e.cli.run import run
from e2e.contract import scenarios_folder

SOUND = "scenario: sound\nsummary: x\ntargets: [local]\n"
FAILED = "expect: {outcome: failed, class: PRODUCT, cause: mcp-not-delivered}\n"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No environment of ours, and a folder of its own to stand in."""
    for name in [name for name in os.environ if name.startswith(("E2E_", "AWS_", "MOLECULE_")) or name == "CI"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("E2E_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., str]:
    """Writes a scenario file and returns its path."""

    def write(text: str = SOUND, name: str = "one.yaml") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@dataclass
class FakePytest:
    """Stands in for the pytest process: writes what it is told to, and ends as it is told to."""

    status: int = 0
    act: Callable[[Path, dict[str, str]], None] = lambda folder, options: None
    asks: bool = False
    calls: list[list[str]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str], folder: Path, stop: StopRequests) -> int:
        self.calls.append(list(arguments))
        given = [one.removeprefix("--e2e-") for one in arguments if one.startswith("--e2e-") and "=" in one]
        options = dict(one.split("=", 1) for one in given)
        (folder / "pytest.log").write_text("collecting\n!!! the last words !!!\n\n")
        if self.asks:
            os.kill(os.getpid(), signal.SIGTERM)
        self.act(folder, options)
        return self.status


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePytest:
    one = FakePytest()
    monkeypatch.setattr("e2e.cli.pytest_process.run_pytest", one)
    return one


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(run, list(arguments))


def receipt(*files: str, **changes: Any) -> Callable[[Path, dict[str, str]], None]:
    """Write a receipt as a session would: every file was run and proven."""

    def write(folder: Path, options: dict[str, str]) -> None:
        lines = []
        for number, file in enumerate(files):
            bundle = folder / f"run-{number}"
            bundle.mkdir()
            verdict: dict[str, object] = {
                "scenario": "sound", "outcome": "proven", "class": None, "cause": None, "summary": "it is so",
                "next": "concierge-e2e faults", "claim": "none", "proofs": [], "demanded": [], "expectation": None,
                "expected": None,
            }  # fmt: skip
            (bundle / "verdict.json").write_text(json.dumps(verdict))
            lines.append({
                "run_id": f"r.sound.{number + 1}", "scenario": "sound", "path": file, "outcome": "proven", "code": 0,
                "cause_class": None, "cause": None, "expectation": None, "verdict": str(bundle / "verdict.json"),
            })  # fmt: skip
        document = {
            "receipt_version": 1, "session_id": options["session-id"], "nonce": options["nonce"],
            "policy": {"rehearse": False, "require_live": False}, "demanded": list(files), "not_applicable": [],
            "runs": lines, "code": 0, "started": "t", "ended": "t", "remarks": [], **changes,
        }  # fmt: skip
        (folder / "session.json").write_text(json.dumps(document))

    return write


# --- Bad input: one clear error, exit 2, nothing created ---------------------------------------------------------


def assert_refused(result: Any, words: str, fake: FakePytest, tmp_path: Path, lines: int = 1) -> None:
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert len(result.output.splitlines()) == lines, result.output
    assert fake.calls == []
    assert list((tmp_path / "here").iterdir()) == []
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SOUND + "hold: 5s\n", ":4:1: unknown key 'hold'"),
        (SOUND.replace("[local]", "local"), ":3:10: targets must be a list"),
        (SOUND + "online: {hold: soon}\n", ":4:16: "),
        (SOUND + "online: {hold: 16m}\n", "must be shorter than online.within"),
        (SOUND.replace("local", "moon"), "unknown target 'moon'"),
        (SOUND + "prove: [everything]\n", "unknown proof 'everything'"),
        (SOUND + "registry_log: {forbid_standing: [nonsense]}\n", "nonsense"),
        (SOUND + "twin: {faults: [{name: mcp-not-deliverd}]}\n", "unknown fault 'mcp-not-deliverd'; did you mean"),
        (SOUND + "twin: {image: nonsense}\n", "twin: unknown image 'nonsense'"),
        ("scenario: [", "one.yaml:"),
        ("", "one.yaml:1:1"),
    ],
)
def test_a_file_that_is_no_scenario(scenario: Any, fake: FakePytest, tmp_path: Path, text: str, words: str) -> None:
    assert_refused(invoke(scenario(text)), words, fake, tmp_path)


def test_problems_of_all_files_are_told_at_once(scenario: Any, fake: FakePytest, tmp_path: Path) -> None:
    files = [scenario("scenario: a\n", "a.yaml"), scenario("scenario: b\n", "b.yaml")]
    result = invoke(*files)
    assert "a.yaml:" in result.output
    assert_refused(result, "b.yaml:", fake, tmp_path, lines=4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nonexistent.yaml"], "no such scenario file or folder"),
        (["/dev/null"], "not a scenario file"),
        (["--target", "moon"], "unknown target 'moon'"),
        (["--target", "lokal"], "did you mean 'local'?"),
        (["--target", "docker"], "not built yet"),
        (["--twin", "/nonexistent"], "--twin /nonexistent: "),
        (["--twin", "/dev/null"], "twin serve --json"),
        (["--speed", "nan"], "--speed"),
        (["--keep", "always"], "in vain"),
        (["--rehearse", "--target", "staging"], "--rehearse"),
    ],
)
def test_options_that_make_no_sense(
    scenario: Any, fake: FakePytest, tmp_path: Path, arguments: list[str], words: str
) -> None:
    file = () if arguments[0].startswith("/") else (scenario(),)
    assert_refused(invoke(*file, *arguments), words, fake, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("E2E_REQUIRE_LIVE", "", "neither on"),
        ("E2E_REQUIRE_LIVE", "maybe", "neither on"),
        ("E2E_TARGET", "moon", "unknown target 'moon'"),
        ("E2E_REQUIRELIVE", "1", "did you mean E2E_REQUIRE_LIVE?"),
        ("E2E_RUNID", "1", "did you mean E2E_RUN_ID?"),
        ("E2E_RUN_ID", "a/b", "E2E_RUN_ID"),
        ("E2E_RUN_ID", "latest", "name of the link"),
        ("E2E_KEEP_ORG", "perhaps", "E2E_KEEP_ORG"),
        ("E2E_AGENT_ACT_SECS", "long", "E2E_AGENT_ACT_SECS"),
    ],
)
def test_an_environment_that_makes_no_sense(
    scenario: Any, fake: FakePytest, tmp_path: Path, monkeypatch: Any, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    assert_refused(invoke(scenario()), words, fake, tmp_path)


def test_missing_credentials_are_a_line_each_under_require_live(
    scenario: Any, fake: FakePytest, tmp_path: Path
) -> None:
    assert_refused(invoke(scenario(), "--require-live"), "MOLECULE_ADMIN_TOKEN is not set", fake, tmp_path, lines=3)


def test_a_run_id_is_used_once(scenario: Any, fake: FakePytest, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("E2E_RUN_ID", "nightly-1")
    file = scenario()
    fake.act = receipt(file)
    assert invoke(file).exit_code == 0
    result = invoke(file)
    assert result.exit_code == 2
    assert "choose another E2E_RUN_ID or --out" in result.output
    assert len(fake.calls) == 1


def test_a_named_file_for_another_target(scenario: Any, fake: FakePytest, tmp_path: Path) -> None:
    file = scenario(SOUND.replace("local", "staging"))
    assert_refused(invoke(file), "is for staging, not for target local", fake, tmp_path)


def test_a_red_proof_is_never_expected_of_a_live_target(scenario: Any, fake: FakePytest, tmp_path: Path) -> None:
    file = scenario(SOUND.replace("local", "staging") + FAILED)
    result = invoke(file, "--target", "staging")
    assert result.exit_code == 2
    assert fake.calls == []


def test_a_path_that_pytest_would_read_as_something_else(scenario: Any, fake: FakePytest, tmp_path: Path) -> None:
    assert_refused(invoke(scenario(name="one[1].yaml")), "pytest takes no path with '['", fake, tmp_path)


def test_a_folder_that_cannot_be_made(scenario: Any, fake: FakePytest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(invoke(scenario(), "--out", str(tmp_path / "file" / "out")), "--out: ", fake, tmp_path)


def test_a_folder_without_scenarios_proves_nothing(fake: FakePytest, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = invoke(str(tmp_path / "empty"))
    assert result.exit_code == 5
    assert "nothing was proven" in result.output
    assert fake.calls == []


# --- What pytest is told -----------------------------------------------------------------------------------------


def test_without_a_scenario_it_is_the_fresh_boot(fake: FakePytest) -> None:
    fake.act = receipt(str(scenarios_folder() / "fresh_boot.yaml"))
    assert invoke().exit_code == 0
    assert fake.calls[0][-1].endswith("fresh_boot.yaml")


def test_options_are_handed_over_and_what_was_not_given_is_not(scenario: Any, fake: FakePytest) -> None:
    file = scenario()
    fake.act = receipt(file)
    switches = ("--require-live", "--rehearse")
    invoke(file, "--target", "local", "--jobs", "3", "--speed", "50", *switches, "--out", "elsewhere")
    told = fake.calls[0]
    for one in ("--e2e-target=local", "--e2e-jobs=3", "--e2e-speed=50.0", "--e2e-require-live", "--e2e-rehearse"):
        assert one in told
    assert "--e2e-out=elsewhere" in told
    assert not any(one.startswith(("--e2e-keep", "--e2e-twin")) for one in told)


def test_header_and_notes_are_printed_first(scenario: Any, fake: FakePytest, monkeypatch: Any) -> None:
    monkeypatch.setenv("E2E_MODE", "full")
    file = scenario()
    fake.act = receipt(file)
    lines = invoke(file).output.splitlines()
    assert lines[0].startswith("policy: target local")
    assert "E2E_MODE is ignored" in lines[1]


# --- What is believed --------------------------------------------------------------------------------------------


def test_a_receipt_of_this_session_is_believed(scenario: Any, fake: FakePytest) -> None:
    file = scenario()
    fake.act, fake.status = receipt(file), 0
    result = invoke(file)
    assert result.exit_code == 0
    assert "sound: proven" in result.output
    assert result.output.splitlines()[-1].endswith("ends with 0")


def test_programs_get_the_receipt_and_people_the_rest(scenario: Any, fake: FakePytest) -> None:
    file = scenario()
    fake.act = receipt(file, remarks=["a remark"], not_applicable=["other.yaml"])
    result = invoke(file, "--json")
    assert json.loads(result.stdout)["demanded"] == [file]
    for line in ("sound: proven", "a remark", "other.yaml: not applicable to target local"):
        assert line in result.stderr


def test_the_next_command_is_told_in_the_words_of_the_caller(scenario: Any, fake: FakePytest, monkeypatch: Any) -> None:
    monkeypatch.setenv("CONCIERGE_E2E_PROGRAM", "scripts/e2e")
    file = scenario()
    fake.act = receipt(file)
    assert "next:   scripts/e2e faults" in invoke(file).output


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "of another session"},
        {"demanded": []},
        {"runs": "none"},
        {"remarks": None},
        {"runs": [{"verdict": "/nonexistent/verdict.json"}]},
        {"runs": [{}]},
    ],
)
def test_a_receipt_that_is_not_ours_or_not_whole_is_none(
    scenario: Any, fake: FakePytest, changes: dict[str, Any]
) -> None:
    file = scenario()
    fake.act = receipt(file, **changes)
    result = invoke(file)
    assert result.exit_code == 70
    assert "HARNESS receipt-missing" in result.output
    assert "pytest.log" in result.output


def test_no_receipt_is_a_fault_of_the_harness_whatever_pytest_said(scenario: Any, fake: FakePytest) -> None:
    result = invoke(scenario())
    assert result.exit_code == 70
    assert "(pytest ended with 0)" in result.output


def test_a_receipt_that_says_less_than_its_lines_is_a_fault_of_the_harness(scenario: Any, fake: FakePytest) -> None:
    file = scenario()
    bad = {"scenario": "sound", "outcome": "failed", "cause_class": "PRODUCT", "cause": "x", "code": 1, "path": file}
    fake.act = receipt(file, runs=[{**bad, "verdict": None, "expectation": None}], code=0)
    result = invoke(file)
    assert result.exit_code == 70
    assert "PRODUCT x, and no verdict was written" in result.output


def test_configuration_that_only_pytest_could_see_is_told_in_its_words(scenario: Any, fake: FakePytest) -> None:
    fake.status = 2
    result = invoke(scenario())
    assert result.exit_code == 2
    assert result.output.splitlines()[-1] == "the last words"


def test_a_silent_pytest_is_pointed_at(scenario: Any, fake: FakePytest) -> None:
    fake.status = 2

    def silence(folder: Path, _: dict[str, str]) -> None:
        (folder / "pytest.log").write_text("")

    fake.act = silence
    assert "pytest said nothing; see " in invoke(scenario()).output


@pytest.mark.parametrize(("options", "code"), [((), 130), (("--require-live", "--rehearse", "--target", "local"), 5)])
def test_an_interruption_before_anything_was_created_is_no_fault(
    scenario: Any, fake: FakePytest, options: tuple[str, ...], code: int
) -> None:
    fake.asks = True
    result = invoke(scenario(), *options)
    assert result.exit_code == code
    assert "interrupted before anything was created" in result.output


def test_an_interruption_that_left_a_ledger_and_no_receipt_is_a_fault(scenario: Any, fake: FakePytest) -> None:
    fake.asks = True

    def leave_a_ledger(folder: Path, _: dict[str, str]) -> None:
        (folder / "run-1").mkdir()
        (folder / "run-1" / "ledger.jsonl").write_text("{}")

    fake.act = leave_a_ledger
    assert invoke(scenario()).exit_code == 70


def test_who_is_asked_to_stop_before_pytest_starts_does_not_start_it(
    scenario: Any, fake: FakePytest, monkeypatch: Any
) -> None:
    from e2e.run.session import Session

    prepare = Session.prepare

    def prepare_and_stop(self: Session) -> None:
        prepare(self)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Session, "prepare", prepare_and_stop)
    assert invoke(scenario()).exit_code == 130
    assert fake.calls == []
