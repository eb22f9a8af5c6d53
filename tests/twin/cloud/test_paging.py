"""Pages of lists that may grow."""

import pytest

from e2e.twin.cloud.paging import BadTokenError, page


def test_all_items_come_once_and_the_last_page_has_no_token() -> None:
    items = [str(number) for number in range(7)]
    seen: list[str] = []
    token: str | None = None
    sizes = []
    while True:
        chosen, token = page(items, str, 3, token)
        seen += chosen
        sizes.append(len(chosen))
        if token is None:
            break
    assert seen == items
    assert sizes == [3, 3, 1]


def test_a_full_last_page_ends_the_list() -> None:
    assert page(["a", "b"], str, 2, None) == (["a", "b"], None)
    assert page([], str, 2, None) == ([], None)


def test_what_is_added_at_the_front_meanwhile_shifts_nothing() -> None:
    _, token = page(["b", "c", "d"], str, 1, None)
    assert page(["a", "b", "c", "d"], str, 1, token)[0] == ["c"]


def test_a_token_of_somebody_else_is_refused() -> None:
    with pytest.raises(BadTokenError):
        page(["a"], str, 1, "bm9uc2Vuc2U=")
