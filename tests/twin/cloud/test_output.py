"""How output is cut, to the byte."""

import pytest

from e2e.twin.cloud.output import SUFFIX, as_text, cut_by_agent, standard_error, standard_output, summary


@pytest.mark.parametrize("size", [0, 1, 23_980, 23_999])
def test_less_than_the_limit_is_left_alone(size: int) -> None:
    assert cut_by_agent(b"x" * size) == b"x" * size


@pytest.mark.parametrize("size", [24_000, 24_001, 100_000])
def test_from_the_limit_on_the_head_is_kept_and_the_suffix_counts(size: int) -> None:
    cut = cut_by_agent(b"x" * size)
    assert cut == b"x" * 23_980 + SUFFIX
    assert len(cut) == 24_000


def test_a_character_that_the_cut_splits_is_broken() -> None:
    text = standard_output(b"x" * 23_979 + "é".encode() + b"y" * 100)
    assert text == "x" * 23_979 + "\ufffd" + SUFFIX.decode()


def test_each_byte_that_is_no_text_becomes_one_replacement_character() -> None:
    assert as_text(b"a\xe2\x82b\xff") == "a\ufffd\ufffdb\ufffd"
    assert as_text("grüße ☃".encode()) == "grüße ☃"


def test_errors_are_cut_twice_and_the_service_leaves_no_mark() -> None:
    assert standard_error(b"e" * 8_001) == "e" * 8_000
    assert standard_error(b"e" * 30_000) == "e" * 8_000


def test_the_summary_shows_both_when_they_fit() -> None:
    assert summary(b"out", b"") == "out"
    assert summary(b"out", b"err") == "out\n----------ERROR-------\nerr"


@pytest.mark.parametrize(("out", "error"), [(9_000, 0), (9_000, 10), (10, 9_000), (9_000, 9_000), (0, 9_000)])
def test_the_summary_never_exceeds_its_limit(out: int, error: int) -> None:
    text = summary(b"o" * out, b"e" * error)
    assert len(text) <= 2_500
    assert "truncated---" in text
    assert ("ERROR" in text) == bool(error)
