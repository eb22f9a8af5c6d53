"""A scenario file is read whole or refused with everything that is wrong with it."""

from pathlib import Path

import pytest

from e2e.contract import scenarios_folder
from e2e.scenario import (
    DEFAULT_FORBIDDEN_STANDING,
    PROOF_NAMES,
    Boot,
    Expectation,
    FaultOption,
    OnlineRules,
    ScenarioError,
    load_scenario,
    load_text,
)

HEAD = "scenario: a-name\nsummary: What it shows.\ntargets: [local]\n"
PATH = Path("some.yaml")


def problems_of(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        load_text(text, PATH)
    return [str(problem) for problem in refused.value.problems]


def test_the_shortest_scenario_gets_every_default() -> None:
    scenario = load_text(HEAD, PATH)
    assert scenario.prove == PROOF_NAMES
    assert scenario.online == OnlineRules(within_seconds=900, hold_seconds=240)
    assert scenario.boot == Boot("claude-code", "pinned")
    assert scenario.registry_log.forbid_standing == DEFAULT_FORBIDDEN_STANDING
    assert (scenario.twin, scenario.expect, scenario.exact, scenario.path) == (None, None, frozenset(), PATH)
    assert not scenario.is_red_proof


def test_every_part_of_a_scenario_arrives() -> None:
    digest = "0123456789abcdef" * 4
    scenario = load_text(
        HEAD
        + f"""
boot: {{template: other, image: "registry.example/agent@sha256:{digest}"}}
prove: [online, torn_down]
online: {{within: 1h, hold: 1.5m}}
registry_log: {{forbid_standing: [one, two]}}
twin:
  image: claude-code-before-fix
  gate: "2026-06-18b"
  faults: [{{name: slow-boot, begin: 30s, heal: 2m, times: 3, rate: 0.5, loud: true, how: badly}}]
  seed: 7
  light_mcp: true
expect: {{outcome: failed, class: PRODUCT, cause: mcp-not-delivered}}
exact: [handshake, heartbeat]
""",
        PATH,
    )
    assert scenario.boot.digest == f"sha256:{digest}"
    assert scenario.prove == ("online", "torn_down")
    assert scenario.online == OnlineRules(within_seconds=3600, hold_seconds=90)
    assert scenario.registry_log.forbid_standing == ("one", "two")
    assert scenario.expect == Expectation("failed", "PRODUCT", "mcp-not-delivered")
    assert scenario.exact == {"handshake", "heartbeat"}
    assert scenario.is_red_proof
    twin = scenario.twin
    assert twin is not None
    parameters = {"begin": "30", "heal": "120", "times": "3", "rate": "0.5", "loud": "true", "how": "badly"}
    assert twin.faults == (FaultOption("slow-boot", parameters),)
    assert twin.arguments() == [
        "--image",
        "claude-code-before-fix",
        "--gate",
        "2026-06-18b",
        "--fault",
        "slow-boot:begin=30,heal=120,times=3,rate=0.5,loud=true,how=badly",
        "--seed",
        "7",
        "--light-mcp",
    ]


def test_the_scenarios_that_are_shipped_are_valid() -> None:
    files = sorted(scenarios_folder().rglob("*.yaml"))
    names = {load_scenario(file).name for file in files}
    assert {"fresh-boot", "runtime-ignores-plugin-mcp", "mcp-not-delivered", "create-workspace-no-row"} <= names
    for file in files:
        assert load_scenario(file).name == file.stem.replace("_", "-")


def test_a_fresh_boot_demands_everything_everywhere() -> None:
    scenario = load_scenario(scenarios_folder() / "fresh_boot.yaml")
    assert scenario.prove == PROOF_NAMES
    assert scenario.targets == ("local", "docker", "staging")
    assert scenario.twin is None
    assert not scenario.is_red_proof


def test_a_scenario_may_expect_proof_in_spite_of_a_fault() -> None:
    scenario = load_text(HEAD + "twin: {faults: [{name: slow-boot}]}\nexpect: {outcome: proven}\n", PATH)
    assert scenario.expect == Expectation("proven", None, None)
    assert not scenario.is_red_proof


def test_everything_wrong_comes_at_once_and_in_order() -> None:
    text = "scenario: a\nsumary: b\ntargets: [locla]\nonline: {within: 90, hold: 4x}\nboot: {}\nboot: {}\n"
    assert problems_of(text) == [
        "some.yaml:1:1: the scenario lacks the key 'summary'",
        "some.yaml:2:1: unknown key 'sumary'; did you mean 'summary'?",
        "some.yaml:3:11: unknown target 'locla'; did you mean 'local'? (one of: local, docker, staging)",
        "some.yaml:4:18: bad duration 90: a number greater than zero with a unit, such as 240s, 15m or 1h",
        "some.yaml:4:28: bad duration '4x': a number greater than zero with a unit, such as 240s, 15m or 1h",
        "some.yaml:6:1: duplicate key 'boot': it is already set in line 5",
    ]


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ("prove: [onlin]", "4:9: unknown proof 'onlin'; did you mean 'online'?"),
        ("prove: []", "4:8: prove is empty: list at least one"),
        ("prove: [online, online]", "4:8: prove lists something twice"),
        ("prove: online", "4:8: prove must be a list, not 'online'"),
        ("online: 15m", "4:9: online must be a mapping, not '15m'"),
        ("online:", "4:8: online must be a mapping, not nothing"),
        ("online: {hold: 0s}", "4:16: bad duration '0s'"),
        ("online: {hold: -5s}", "4:16: bad duration '-5s'"),
        ("online: {hold: 5 s}", "4:16: bad duration '5 s'"),
        ("online: {hold: 1h30m}", "4:16: bad duration '1h30m'"),
        ("online: {hold: 16m}", "4:16: online.hold (960 s) must be shorter than online.within (900 s)"),
        ("online: {within: 2m}", "4:18: online.hold (240 s) must be shorter than online.within (120 s)"),
        ("boot: {image: latest}", "4:15: bad image 'latest'"),
        ("boot: {image: a@sha256:12}", "4:15: bad image 'a@sha256:12'"),
        ("boot: {template: Claude Code}", "4:18: bad template name 'Claude Code'"),
        ("registry_log: {forbid_standing: []}", "4:33: registry_log.forbid_standing is empty"),
        ("registry_log: {forbid_standing: ['  ']}", "4:34: registry_log.forbid_standing[0] must not be blank"),
        ("twin: {gate: 2026-06-20}", "4:14: bad gate version the date 2026-06-20: write the date in quotes"),
        ("twin: {seed: -1}", "4:14: twin.seed must be between 0 and 4294967295, not -1"),
        ("twin: {seed: 1.5}", "4:14: twin.seed must be a whole number, not 1.5"),
        ("twin: {light_mcp: 1}", "4:19: twin.light_mcp must be true or false, not 1"),
        ("twin: {faults: [{begin: 3s}]}", "4:17: twin.faults[0] lacks the key 'name'"),
        ("twin: {faults: [{name: a, begin: 3}]}", "4:34: bad duration 3"),
        ("twin: {faults: [{name: a, begin: 5s, heal: 5s}]}", "4:44: a fault must heal after it begins"),
        ("twin: {faults: [{name: a, Bad: 1}]}", "4:27: bad fault parameter name 'Bad'"),
        ("twin: {faults: [{name: a, x: 'b,c=d'}]}", "4:30: bad fault parameter 'b,c=d'"),
        ("twin: {falts: []}", "4:8: unknown key 'falts'; did you mean 'faults'?"),
        ("twin: {}\nexpect: {outcome: failed}", "5:1: expect lacks the key 'class'"),
        ("twin: {}\nexpect: {outcome: red}", "5:19: unknown outcome 'red'"),
        ("twin: {}\nexpect: {outcome: proven, class: PRODUCT}", "5:34: a proven outcome has no class"),
        ("twin: {}\nexpect: {outcome: failed, class: INFRA, cause: x}", "5:34: outcome failed means class PRODUCT"),
        ("twin: {}\nexpect: {outcome: error, class: UNKNOWN, cause: x}", "5:33: outcome error means class INFRA"),
        ("twin: {}\nexpect: {outcome: unproven, class: LEAK, cause: x}", "5:36: outcome unproven means class UNKNOWN"),
        (
            "expect: {outcome: failed, class: PRODUCT, cause: x}",
            "4:1: a red proof on an embedded target needs a 'twin:'",
        ),
        ("exact: [breakfast]", "4:9: unknown exact time 'breakfast'"),
        ("<<: {boot: {}}", "4:1: a key must be a word"),
        ("? [a]\n: b", "4:3: a key must be a word"),
        ("boot: !!set {a}", "4:7: the YAML tag !!set has no meaning in a scenario"),
        ("boot: !!int x", "4:7: 'x' is not of YAML type int"),
        ("boot: !mine x", "4:7: the YAML tag !mine has no meaning in a scenario"),
    ],
)
def test_a_mistake_is_named_where_it_stands(addition: str, expected: str) -> None:
    lines = problems_of(HEAD + addition + "\n")
    assert any(line.startswith(f"some.yaml:{expected}") for line in lines), lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the file is empty"),
        ("# nothing\n", "1:1: the file is empty"),
        ("[1]", "1:1: the scenario must be a mapping, not a list"),
        ("null", "1:1: the scenario must be a mapping, not nothing"),
        (HEAD + "---\n" + HEAD, "4:1: a second document begins here"),
        ("scenario: [", "not YAML"),
        ("scenario: a\n\tsummary: b", "2:1: not YAML"),
        ("scenario: a\nsummary: b\x01", "2:11: not YAML: control characters are not allowed"),
        ("scenario: *nobody", "1:11: not YAML: found undefined alias"),
        ("a: &a [*a]", "1:4: this anchor contains an alias of itself"),
    ],
)
def test_what_is_no_scenario_at_all_gets_one_clear_problem(text: str, expected: str) -> None:
    lines = problems_of(text)
    assert len(lines) == 1
    assert expected in lines[0]


def test_a_twin_cannot_be_switched_on_staging() -> None:
    lines = problems_of("scenario: a\nsummary: b\ntargets: [local, staging]\ntwin: {seed: 1}\n")
    assert len(lines) == 1
    assert lines[0].startswith("some.yaml:3:18: a scenario with a 'twin:' block cannot run on staging")


def test_a_red_proof_of_the_live_platform_needs_no_twin() -> None:
    text = HEAD.replace("local", "staging") + "expect: {outcome: error, class: CONFIG, cause: contract-outdated}\n"
    assert load_text(text, PATH).is_red_proof


def test_anchors_are_welcome_as_long_as_they_stay_small() -> None:
    scenario = load_text("scenario: &name same\nsummary: *name\ntargets: [local]\n", PATH)
    assert scenario.summary == "same"


def test_aliases_cannot_grow_without_bound() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert any("values once aliases are followed" in line for line in problems_of("\n".join(levels)))


@pytest.mark.parametrize(
    "text", ["[" * 30_000, "- " * 20_000, "{a: " * 15_000, "? " * 30_000], ids=["flow", "block", "map", "key"]
)
def test_deep_nesting_is_a_problem_and_not_a_crash(text: str) -> None:
    assert any("nested deeper than 40 levels" in line for line in problems_of(text))


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot read the scenario file: No such file or directory"):
        load_scenario(tmp_path / "none.yaml")


def test_a_file_that_is_not_text_says_where(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"scenario: a\nsummary: \xff\n")
    with pytest.raises(ScenarioError, match=r"bad\.yaml:2:10: not UTF-8 text"):
        load_scenario(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * 70_000)
    with pytest.raises(ScenarioError, match="larger than 64 KiB"):
        load_scenario(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_text(HEAD, encoding="utf-8-sig")
    assert load_scenario(path).name == "a-name"


def test_windows_line_ends_do_no_harm() -> None:
    assert load_text(HEAD.replace("\n", "\r\n"), PATH).name == "a-name"
