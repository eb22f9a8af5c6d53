"""Shell text is built in one place, and values cannot break out of it."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.hosts import shell


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_any_value_reaches_the_program_as_one_word(value: str) -> None:
    text = shell.line("printf %%s %s", value)
    done = subprocess.run(["sh", "-c", text], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout == value.encode()


@pytest.mark.parametrize("value", ["; reboot", "$(reboot)", "`reboot`", "'; reboot; '", "a\nreboot", "-rf", "*"])
def test_hostile_values_stay_values(value: str) -> None:
    done = subprocess.run(["sh", "-c", shell.line("printf %%s %s", value)], capture_output=True, check=True)
    assert done.stdout == value.encode()


def test_a_nul_is_refused() -> None:
    with pytest.raises(shell.ShellTextError):
        shell.quote("a\0b")


def test_double_braces_are_refused_because_ssm_interpolates_them() -> None:
    with pytest.raises(shell.ShellTextError, match="interpolated"):
        shell.script(shell.line("docker inspect -f %s", "{{.State}}"))


def test_values_and_placeholders_have_to_be_equally_many() -> None:
    with pytest.raises(shell.ShellTextError, match="fewer"):
        shell.line("true", "x")
    with pytest.raises(shell.ShellTextError, match="more"):
        shell.line("echo %s %s", "x")


def test_only_the_quoting_placeholder_is_known() -> None:
    for template in ("echo %d", "echo %", "echo %(name)s"):
        with pytest.raises(shell.ShellTextError):
            shell.line(template, "1")
