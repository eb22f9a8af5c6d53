"""Replaying a ledger takes what makes sense and names the rest."""

import pytest

from e2e.ledger.model import replay

INTENT: dict[str, object] = {"what": "intent", "entry": "org-1", "kind": "org", "name": "a", "data": {}}


def test_the_first_line_says_whose_ledger_it_is() -> None:
    state = replay([{"what": "opened", "slug": "a", "owner_pid": 3}])
    assert state.opened == {"slug": "a", "owner_pid": 3}
    assert not state.closed


def test_an_absence_that_is_proven_ends_the_doubt() -> None:
    steps: list[dict[str, object]] = [
        INTENT,
        {"what": "unproven", "entry": "org-1", "reason": "no answer"},
        {"what": "gone", "entry": "org-1", "proof": "p"},
    ]
    (entry,) = replay(steps).entries
    assert (entry.state, entry.proof, entry.reason, entry.settled) == ("gone", "p", None, True)


def test_a_step_after_the_end_opens_the_ledger_again() -> None:
    assert replay([INTENT, {"what": "closed"}]).closed
    assert not replay([{"what": "closed"}, INTENT]).closed


@pytest.mark.parametrize(
    "step",
    [
        {"what": "gone", "entry": "org-9", "proof": "p"},
        {"what": "gone", "entry": "org-1"},
        {"what": "created", "entry": "org-1", "identity": 3},
        {"what": "vanished", "entry": "org-1"},
        {"what": "kept", "entry": "org-1"},
        {"entry": "org-1"},
        {"what": "intent", "entry": "org-2"},
        INTENT,
    ],
)
def test_a_step_that_makes_no_sense_is_damage_and_changes_nothing(step: dict[str, object]) -> None:
    state = replay([INTENT, step], ["line 9 is torn"])
    assert len(state.damage) == 2
    assert [entry.state for entry in state.entries] == ["intended"]
