"""The account: whatever was demanded and not seen to pass has a line."""

from e2e.session_policy.account import Account


def test_what_passed_needs_no_line() -> None:
    account = Account(collected={"a.py::test_a[1]"}, passed={"a.py::test_a[1]"})
    assert account.violations(["a.py::test_a"], []) == []


def test_what_is_collected_and_never_seen_is_told_with_its_reason() -> None:
    account = Account(collected={"a.py::test_a", "a.py::test_b"}, reasons={"a.py::test_b": "it was deselected"})
    assert account.violations([], []) == [
        "a.py::test_a: collected and not run: nothing was seen of it",
        "a.py::test_b: collected and not run: it was deselected",
    ]


def test_what_raised_and_is_reported_as_passed_is_told() -> None:
    account = Account(collected={"a.py::test_a"}, passed={"a.py::test_a"}, raised={"a.py::test_a": "KeyError"})
    assert account.violations([], []) == ["a.py::test_a: it raised KeyError, and its report does not say so"]


def test_what_failed_is_told_once_and_that_of_a_scenario_by_its_verdict() -> None:
    names = {"a.py::test_a", "scenarios/a.yaml::online"}
    account = Account(collected=set(names), failed=set(names), raised=dict.fromkeys(names, "KeyError"))
    assert account.violations([], []) == ["a.py::test_a: failed"]


def test_a_definition_that_was_not_collected_is_told_unless_its_file_failed() -> None:
    account = Account(failed={"b.py"})
    assert account.violations(["a.py::TestA::test_a", "b.py::test_b"], []) == [
        "b.py: failed",
        "a.py::TestA::test_a: defined and not collected",
    ]


def test_a_scenario_file_is_collected_or_excused() -> None:
    account = Account(collected={"s/a.yaml::x"}, passed={"s/a.yaml::x"}, excused={"s/b.yaml"})
    assert account.violations([], ["s/a.yaml", "s/b.yaml", "s/c.yaml"]) == [
        "s/c.yaml: a scenario file that was not collected"
    ]


def test_what_a_worker_tells_is_added_up() -> None:
    worker = Account(collected={"a"}, raised={"a": "E"}, reasons={"b": "r"}, excused={"c"}, problems=["p"])
    controller = Account(collected={"z"}, problems=["p"])
    controller.add(worker.document())
    controller.add(worker.document())
    expected = Account({"a", "z"}, set(), set(), {"a": "E"}, {"b": "r"}, {"c"}, ["p"])
    assert controller == expected
