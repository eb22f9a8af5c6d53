"""Finding many strings at once gives what finding each alone gives."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.evidence.values import ByteFinder

LETTERS = st.sampled_from([b"a", b"b", b"ab", b"\x00", b"\xff"])
STRINGS = st.lists(LETTERS, min_size=1, max_size=12).map(b"".join)


@settings(deadline=None, max_examples=400)
@given(st.lists(STRINGS, min_size=1, max_size=5), st.lists(STRINGS, max_size=12).map(b"".join), st.data())
def test_every_occurrence_of_every_string_is_found(strings: list[bytes], noise: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(noise)))
    text = noise[:at] + data.draw(st.sampled_from(strings)) + noise[at:]
    finder = ByteFinder()
    for string in strings:
        finder.add(string)
    expected = {
        (start, start + len(string), string)
        for string in strings
        for start in range(len(text))
        if text.startswith(string, start)
    }
    assert finder.find(text) == sorted(expected)


@pytest.mark.parametrize("length", range(1, 40))
def test_a_string_of_any_length_is_found_at_any_alignment(length: int) -> None:
    string = bytes(range(100, 100 + length))
    finder = ByteFinder()
    finder.add(string)
    for before in range(17):
        for after in (0, 1, 8):
            assert finder.find(b"." * before + string + b"." * after) == [(before, before + length, string)]


def test_an_empty_string_is_refused() -> None:
    with pytest.raises(ValueError, match="everywhere"):
        ByteFinder().add(b"")


def test_strings_can_be_added_while_others_are_looked_for() -> None:
    finder = ByteFinder()
    finder.add(b"the-first-of-the-strings")
    text = b"x" * 3 + b"the-first-of-the-strings" + b"y" * 100_000
    missed: list[int] = []

    def look() -> None:
        missed.extend(number for number in range(100) if not finder.find(text))

    thread = threading.Thread(target=look)
    thread.start()
    for number in range(2_000):
        finder.add(f"string-number-{number:08}".encode())
    thread.join()
    assert not missed
