"""Files are read as text: every test is found, and so is one that tests nothing."""

from pathlib import Path

import pytest

from e2e.session_policy.definitions import files_below, read_definitions


def read(tmp_path: Path, text: str) -> tuple[list[str], list[str]]:
    file = tmp_path / "a.py"
    file.write_text(text, encoding="utf-8")
    found = read_definitions(file, "a.py")
    return found.tests, found.problems


@pytest.mark.parametrize(
    "head", ["if 0:", "try:", "with x:", "for x in y:", "while 0:", "if 1:\n  pass\nelse:", "match 1:\n case 1:"]
)
def test_a_test_under_any_condition_is_found(tmp_path: Path, head: str) -> None:
    tail = "\nfinally:\n pass" if head == "try:" else ""
    tests, problems = read(tmp_path, f"{head}\n  def test_a():\n    assert x{tail}\n")
    assert (tests, problems) == (["a.py::test_a"], [])


def test_methods_of_test_classes_are_found_and_fixtures_are_no_tests(tmp_path: Path) -> None:
    text = (
        "import unittest, pytest\nclass TestA:\n    def test_a(self): assert x\n    class TestB:\n"
        "        async def test_b(self): assert x\nclass C(unittest.TestCase):\n    def test_c(self): assert x\n"
        "class Helper:\n    def test_no(self): assert x\n@pytest.fixture()\ndef test_tenant(): return 1\n"
    )
    tests, problems = read(tmp_path, text)
    assert tests == ["a.py::TestA::test_a", "a.py::TestA::TestB::test_b", "a.py::C::test_c"]
    assert problems == []


@pytest.mark.parametrize(
    "body",
    [
        "assert x == 1",
        "assert (x)",
        "check(x)",
        "with suppress(OSError):\n        assert x",
        "try:\n        assert x\n    except AssertionError:\n        raise Other from None",
        "try:\n        check()\n    except Exception:\n        pass\n    assert x",
    ],
)
def test_an_honest_body_has_no_problem(tmp_path: Path, body: str) -> None:
    assert read(tmp_path, f"def test_a():\n    {body}\n")[1] == []


@pytest.mark.parametrize(
    "handler", ["except:", "except Exception:", "except (OSError, AssertionError):", "except BaseException as e:"]
)
def test_a_swallowed_assertion_is_found(tmp_path: Path, handler: str) -> None:
    text = f"def test_a():\n    try:\n        assert x\n    {handler}\n        pass\n"
    assert read(tmp_path, text)[1] == ["a.py::test_a: line 4: swallows a failed assertion"]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path, "def test_a(:\n")[1][0].startswith("a.py: cannot be read:")


def test_hidden_folders_and_virtual_environments_are_left_out_and_files_come_once(tmp_path: Path) -> None:
    for name in ("a/b.py", ".git/c.py", "__pycache__/d.py", "env/pyvenv.cfg", "env/e.py", "a/f.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    named = [tmp_path, tmp_path / "a" / "b.py", tmp_path / "none.py"]
    assert list(files_below(named, (".py",))) == [tmp_path / "a" / "b.py"]
