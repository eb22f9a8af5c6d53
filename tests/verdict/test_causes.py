"""The list of causes is whole, without doubles, and its next commands exist."""

import string
from typing import get_args

import pytest

from e2e.cli.main import COMMANDS
from e2e.verdict.causes import CAUSES, Cause, cause_named, is_cause
from e2e.verdict.classes import CauseClass

OTHER_PROGRAMS = {"less", "cat", "aws"}


def test_no_cause_stands_twice() -> None:
    ids = [cause.id for cause in CAUSES]
    assert len(ids) == len(set(ids))


def test_every_class_has_a_cause() -> None:
    assert {cause.cause_class for cause in CAUSES} == set(get_args(CauseClass))


def test_a_cause_is_found_by_its_name_and_nothing_else_is() -> None:
    assert cause_named("online-flaps").cause_class == "PRODUCT"
    assert is_cause("online-flaps")
    assert not is_cause("online-flap")
    with pytest.raises(KeyError):
        cause_named("online-flap")


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_the_next_command_of_a_cause_exists_and_can_be_filled_in(cause: Cause) -> None:
    fields = {name for _, name, _, _ in string.Formatter().parse(cause.next_step) if name is not None}
    assert fields <= {"scenario", "bundle", "slug"}
    program, *words = cause.next_step.split()
    assert program in OTHER_PROGRAMS or (program == "concierge-e2e" and words[0] in COMMANDS)
    assert cause.meaning
    assert not cause.meaning.endswith(".")
