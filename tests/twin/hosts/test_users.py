"""The users of a container."""

import pytest

from e2e.twin.hosts.users import UnknownUserError, become, container_user, with_home


@pytest.mark.parametrize(("name", "user"), [("root", "root"), ("0", "root"), ("0:0", "root"), ("", "root")])
def test_root_by_name_and_number(name: str, user: str) -> None:
    assert container_user(name) == user


@pytest.mark.parametrize("name", ["agent", "1000", "1000:1000", "agent:agent"])
def test_the_agent_by_name_and_number(name: str) -> None:
    assert container_user(name) == "agent"


@pytest.mark.parametrize("name", ["bob", "1001", "-1"])
def test_nobody_else_exists(name: str) -> None:
    with pytest.raises(UnknownUserError):
        container_user(name)


def test_each_user_has_a_home_unless_the_container_sets_one() -> None:
    assert with_home({}, "agent", "/r")["HOME"] == "/r/home/agent"
    assert with_home({}, "root", "/r")["HOME"] == "/r/root"
    assert with_home({"HOME": "/r/app"}, "agent", "/r")["HOME"] == "/r/app"


def test_without_a_user_of_its_own_the_agent_stays_who_we_are() -> None:
    become("agent", None, None)
    become("root", 1000, 1000)
