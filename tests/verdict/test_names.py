"""Names that mean something do not collide."""

from e2e.verdict.names import IGNORED, OURS, RENAMED, near_miss


def test_a_known_name_is_never_a_near_miss() -> None:
    for name in (*OURS, *IGNORED, *RENAMED):
        assert near_miss(name) is None


def test_a_name_has_one_meaning() -> None:
    assert not OURS & IGNORED.keys()
    assert not RENAMED.keys() & IGNORED.keys()


def test_a_foreign_name_is_left_alone() -> None:
    assert near_miss("REQUIRE_LIVE") is None
    assert near_miss("E2E_SCREENSHOT_FOLDER") is None
