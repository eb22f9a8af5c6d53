"""Every row of the table: green in bare pytest, and red under the policy, with the reason."""

from collections.abc import Callable
from typing import Any

import pytest

Prepared = Callable[[Any], Any]


def test_each_hole_is_green_bare_and_red_with_the_plugin(hole: Any, trial: Prepared) -> None:
    tried = trial(hole)
    bare = tried.bare()
    assert bare.status == 0, bare.text
    guarded = tried.guarded()
    if hole.closed_by == "receipt":
        assert not list(tried.folder.glob("e2e-runs/*/session.json")), guarded.text
    else:
        assert guarded.status != 0, guarded.text
        assert hole.says in guarded.text, guarded.text


def test_what_no_plugin_sees_is_red_without_a_receipt(unseen: Any, trial: Prepared) -> None:
    ended = trial(unseen).run()
    assert ended.status == 70, ended.text
    assert "HARNESS receipt-missing" in ended.text


@pytest.mark.parametrize("workers", [False, True])
def test_a_session_that_proves_everything_is_green(honest: Any, trial: Prepared, workers: bool) -> None:
    ended = trial(honest).guarded(workers=workers)
    assert ended.status == 0, ended.text
