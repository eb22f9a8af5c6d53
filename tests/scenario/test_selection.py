"""Files and folders on a command line become scenario files."""

from pathlib import Path

import pytest

from e2e.scenario import ScenarioError, applicable, collect_scenario_files, load_text, named_directly


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.yaml", "a.yml", "faults/c.yaml", ".hidden/d.yaml", "notes.txt"):
        path = tmp_path / "scenarios" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "scenarios"


def test_a_folder_stands_for_all_scenarios_below_it(folder: Path) -> None:
    assert collect_scenario_files([folder]) == [folder / "a.yml", folder / "b.yaml", folder / "faults" / "c.yaml"]


def test_a_file_named_twice_is_taken_once(folder: Path) -> None:
    again = folder / "faults" / ".." / "b.yaml"
    assert len(collect_scenario_files([folder, folder / "b.yaml", again])) == 3


def test_every_missing_path_is_named(folder: Path) -> None:
    with pytest.raises(ScenarioError) as refused:
        collect_scenario_files([folder / "none.yaml", folder / "nowhere", folder / "notes.txt", folder])
    assert [problem.message for problem in refused.value.problems] == [
        "no such scenario file or folder",
        "not a scenario file: its name does not end in .yaml",
        "no such scenario file or folder",
    ]


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert collect_scenario_files([tmp_path]) == []


def test_a_file_in_a_named_folder_is_not_named_itself(folder: Path) -> None:
    assert named_directly(folder / "b.yaml", [folder / "b.yaml"])
    assert not named_directly(folder / "b.yaml", [folder])


def test_a_scenario_applies_to_the_targets_it_lists() -> None:
    scenario = load_text("scenario: a\nsummary: b\ntargets: [docker]\n", Path("a.yaml"))
    assert applicable(scenario, "docker")
    assert not applicable(scenario, "staging")
