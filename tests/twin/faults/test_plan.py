"""Faults: names, schedules, traces."""

import json
from pathlib import Path

import pytest

from e2e.twin.faults.catalogue import CATALOGUE
from e2e.twin.faults.plan import (
    Fault,
    FaultError,
    FaultPlan,
    FaultSwitch,
    image_of,
    kind_of,
    parse_fault,
)


def test_a_fault_is_on_from_the_start_unless_it_says_otherwise() -> None:
    assert parse_fault("mcp-not-delivered") == Fault("mcp-not-delivered", 0.0, None)
    assert parse_fault("mcp-not-delivered:begin=30,heal=90.5") == Fault("mcp-not-delivered", 30.0, 90.5)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("mcp-not-deliverd", "did you mean mcp-not-delivered?"),
        ("zzz", "there are: "),
        ("mcp-not-delivered:end=3", "'end=3' is not one of"),
        ("mcp-not-delivered:begin", "'begin' is not one of"),
        ("mcp-not-delivered:begin=soon", "begin='soon' is not a number"),
        ("mcp-not-delivered:begin=-1", "begin='-1' is not a number"),
        ("mcp-not-delivered:begin=nan", "is not a number"),
        ("mcp-not-delivered:begin=5,heal=5", "heal must come after begin"),
        ("runtime-ignores-plugin-mcp:heal=5", "is an image and cannot"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_line(text: str, part: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse_fault(text)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_may_stand_for_an_image() -> None:
    fault = parse_fault("runtime-ignores-plugin-mcp")
    assert image_of([fault], None) == kind_of(fault.name).image == "claude-code-before-fix"
    assert image_of([fault], "claude-code-before-fix") == "claude-code-before-fix"
    assert image_of([parse_fault("mcp-not-delivered")], None) is None
    with pytest.raises(FaultError, match="one twin pins one image"):
        image_of([fault], "claude-code")


def test_a_fault_acts_between_begin_and_heal_and_leaves_a_trace(tmp_path: Path) -> None:
    now = [100.0]
    trace = tmp_path / "trace.jsonl"
    plan = FaultPlan((Fault("mcp-not-delivered", 30.0, 60.0),), started=100.0, speed=10.0, trace=str(trace))
    switch = FaultSwitch(FaultPlan.from_json(json.loads(json.dumps(plan.to_json()))), lambda: now[0])
    acted = []
    for now[0] in (100.0, 102.9, 103.0, 105.9, 106.0):
        acted.append(switch.acts("mcp-not-delivered", "here"))
    assert acted == [False, False, True, True, False]
    assert not switch.acts("create-workspace-no-row", "here")
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    assert [(line["fault"], line["where"], line["age"]) for line in lines] == [
        ("mcp-not-delivered", "here", 30.0),
        ("mcp-not-delivered", "here", 59.0),
    ]


def test_a_fault_is_planned_before_it_begins_and_its_parameters_are_known_without_a_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    later = parse_fault("ssm-throttled:rate=0.2,begin=30")
    switch = FaultSwitch(FaultPlan((later,), started=100.0, speed=10.0, trace=str(trace)), lambda: 101.0)
    assert switch.is_planned("ssm-throttled")
    assert not switch.is_planned("ssm-lag")
    assert switch.current("ssm-throttled") is None
    switch = FaultSwitch(FaultPlan((later,), started=100.0, speed=10.0, trace=str(trace)), lambda: 103.0)
    assert switch.current("ssm-throttled") == later
    assert later.parameters == {"rate": 0.2, "ec2": 0}


def test_a_fault_can_be_asked_for_its_parameters_without_a_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    plan = FaultPlan((parse_fault("concierge-removed:begin=30,after=7"),), started=0.0, speed=1.0, trace=str(trace))
    assert FaultSwitch(plan, lambda: 29.0).current("concierge-removed") is None
    fault = FaultSwitch(plan, lambda: 30.0).current("concierge-removed")
    assert fault is not None
    assert fault.parameters == {"after": 7.0}
    assert not trace.exists()


def test_every_fault_says_what_it_does() -> None:
    assert len({kind.name for kind in CATALOGUE}) == len(CATALOGUE)
    assert all(kind.does for kind in CATALOGUE)
