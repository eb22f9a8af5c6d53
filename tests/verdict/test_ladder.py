"""The claim ladder never says more than was proven."""

import pytest

from e2e.verdict.ladder import CLAIMS, RUNGS, claim_rung
from e2e.verdict.proofs import STAGES

LADDER = ["settings_wired", "presence_reported", "tool_listed", "workspace_created", "agent_acted"]
NAMES = ["none", "wired", "present", "listed", "row_by_probe", "row_by_agent"]


@pytest.mark.parametrize("height", range(6))
def test_each_rung_is_reached_with_all_below_it(height: int) -> None:
    assert claim_rung(LADDER[:height]) == NAMES[height]


@pytest.mark.parametrize("gap", range(5))
def test_a_missing_rung_ends_the_climb_whatever_stands_above(gap: int) -> None:
    proven = {*STAGES, *LADDER} - {LADDER[gap]}
    assert claim_rung(proven) == NAMES[gap]


def test_other_proofs_do_not_lift_the_claim() -> None:
    assert claim_rung(set(STAGES) - set(LADDER)) == "none"


def test_only_the_last_rung_may_say_that_the_concierge_can_call_the_tool() -> None:
    assert [rung for rung in CLAIMS if "can call create_workspace" in CLAIMS[rung]] == ["row_by_agent"]


def test_every_rung_has_a_claim_and_its_proofs_are_stages() -> None:
    assert list(CLAIMS) == NAMES
    assert all(set(proofs) <= set(STAGES) for _, proofs in RUNGS)
