"""JSON lines: written in one piece, read however they ended."""

import pytest

from e2e.evidence.lines import json_line, read_lines
from e2e.evidence.masking import Masker


def test_a_line_is_one_line_of_json_whatever_is_in_it() -> None:
    line = json_line({"text": "a\nb\u2028\ud800é"}, Masker())
    assert line.count(b"\n") == 1
    (read,) = read_lines(line)
    assert read.document == {"text": "a\nb\u2028\ud800é"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", object()])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        json_line({"value": value}, Masker())


def test_what_is_no_object_is_a_problem_with_its_line() -> None:
    lines = list(read_lines(b'{"a": 1}\n[]\n{oops\n\xff\n{"b": 2}\n'))
    assert [line.document for line in lines] == [{"a": 1}, None, None, None, {"b": 2}]
    assert [line.problem.split(" is ")[0] for line in lines if line.problem] == ["line 2", "line 3", "line 4"]


def test_deep_nesting_is_a_problem_and_not_a_crash() -> None:
    (line,) = read_lines(b'{"a":' * 100_000 + b"\n")
    assert line.document is None


def test_only_a_line_without_its_end_is_torn() -> None:
    lines = list(read_lines(b'{"a": 1}\n{"b": 2}'))
    assert (lines[0].torn, lines[1].torn, lines[1].document) == (False, True, None)
