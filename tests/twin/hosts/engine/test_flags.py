"""Command lines as the engine reads them."""

import pytest

from e2e.twin.hosts.engine.errors import EngineError
from e2e.twin.hosts.engine.flags import Options, parse

_OPTIONS = Options(
    switches={"-i": "interactive", "--interactive": "interactive", "-t": "tty"},
    values={"-u": "user", "--user": "user", "-e": "env", "--env": "env"},
)
_STOPS = Options(_OPTIONS.switches, _OPTIONS.values, interspersed=False)


def test_clusters_and_all_ways_to_give_a_value() -> None:
    line = parse("exec", _OPTIONS, ["-itu", "agent", "-eA=1", "--env=B=2", "--env", "C", "--user=root", "box"])
    assert line.switches == {"interactive", "tty"}
    assert line.values == {"user": ["agent", "root"], "env": ["A=1", "B=2", "C"]}
    assert line.last("user") == "root"
    assert line.arguments == ["box"]


def test_flags_after_the_first_argument_belong_to_the_command() -> None:
    line = parse("exec", _STOPS, ["-i", "box", "ls", "-i", "--zz"])
    assert line.arguments == ["box", "ls", "-i", "--zz"]


def test_two_dashes_end_the_flags() -> None:
    assert parse("exec", _OPTIONS, ["--", "-i"]).arguments == ["-i"]


def test_a_switch_can_be_switched_off() -> None:
    assert parse("exec", _OPTIONS, ["--interactive=false"]).switches == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--zz"], "unknown flag: --zz"),
        (["-iz"], "unknown shorthand flag: 'z' in -iz"),
        (["-u"], "flag needs an argument: -u"),
        (["--user"], "flag needs an argument: --user"),
    ],
)
def test_a_wrong_flag_is_said_and_ends_with_125(arguments: list[str], said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        parse("exec", _OPTIONS, arguments)
    assert caught.value.exit_code == 125
