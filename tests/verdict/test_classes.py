"""The table of exit codes: which class has which code, and which of several wins."""

import itertools
from typing import get_args

import pytest

from e2e.verdict.classes import (
    MEANINGS,
    OK,
    CauseClass,
    Outcome,
    code_of,
    first_code,
    outcome_of,
)

TABLE = [1, 70, 4, 3, 2, 5, 130]
"""The rows of the table after 0, in their order: the first that applies wins."""


def test_every_class_has_the_code_of_the_table() -> None:
    codes: dict[CauseClass, int] = {
        "PRODUCT": 1, "HARNESS": 70, "LEAK": 4, "INFRA": 3, "DEP_DOWN": 3, "QUOTA": 3, "CONFIG": 2, "UNKNOWN": 5,
    }  # fmt: skip
    assert set(codes) == set(get_args(CauseClass))
    assert {name: code_of(name) for name in codes} == codes


def test_an_unknown_failure_that_the_platform_itself_published_is_the_products() -> None:
    assert code_of("UNKNOWN", platform_published_failure=True) == 1


@pytest.mark.parametrize("cause_class", [name for name in get_args(CauseClass) if name != "UNKNOWN"])
def test_a_known_class_does_not_change_with_what_the_platform_published(cause_class: CauseClass) -> None:
    assert code_of(cause_class, platform_published_failure=True) == code_of(cause_class)


@pytest.mark.parametrize(("winner", "other"), list(itertools.combinations(TABLE, 2)))
def test_of_two_codes_the_earlier_row_wins_in_either_order(winner: int, other: int) -> None:
    assert first_code([winner, other, OK]) == winner
    assert first_code([OK, other, winner]) == winner


def test_all_at_once_is_a_product_failure() -> None:
    assert first_code([*reversed(TABLE), OK]) == 1


def test_nothing_at_all_is_green() -> None:
    assert first_code([]) == OK
    assert first_code([OK, OK]) == OK


@pytest.mark.parametrize("code", [-1, 6, 99, 256, 71])
def test_a_code_that_is_not_in_the_table_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match=rf"table of exit codes: \[{code}\]"):
        first_code([1, code])


def test_every_code_is_explained() -> None:
    assert set(MEANINGS) == {OK, *TABLE}


def test_the_outcome_follows_from_the_class() -> None:
    outcomes: dict[CauseClass, Outcome] = dict.fromkeys(get_args(CauseClass), "error")
    outcomes |= {"PRODUCT": "failed", "UNKNOWN": "unproven"}
    assert {name: outcome_of(name) for name in outcomes} == outcomes
