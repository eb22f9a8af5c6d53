"""Names of what a run creates."""

import re
from datetime import UTC, datetime

from e2e.run.naming import expiry, is_slug_of_ours, new_slug, organisation_name, worker_name

CREATED = datetime(2026, 6, 19, 10, 0, tzinfo=UTC)


def test_a_slug_tells_its_run_and_is_never_the_same_twice() -> None:
    one, two = new_slug("run-1"), new_slug("run-1")
    assert one != two
    assert one[:17] == two[:17]
    assert new_slug("run-2")[:17] != one[:17]
    assert len(one) == 26


def test_only_our_layout_is_ours() -> None:
    assert is_slug_of_ours(new_slug("x"))
    for other in ("e2e-boot-12345678", "e2e-boot-1234567g-00000000", "acme", f"{new_slug('x')}-1", "e2e-20260619-1"):
        assert not is_slug_of_ours(other)


def test_an_organisation_says_whose_it_is_and_until_when() -> None:
    name = organisation_name("e2e-boot-1", "run-1", expiry(CREATED))
    assert name == "E2E e2e-boot-1 run=run-1 expires=2026-06-19T10:29:00Z"


def test_a_worker_says_by_whom_it_was_created_and_is_unique() -> None:
    assert re.fullmatch(r"e2e-cncrg-probe-[0-9a-f]{12}", worker_name("probe"))
    assert worker_name("agent") != worker_name("agent")
    assert len(worker_name("agent")) <= 48
