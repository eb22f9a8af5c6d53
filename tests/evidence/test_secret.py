"""A secret does not show by accident."""

import copy
import dataclasses
import json
import pickle

import pytest

from e2e.evidence import MASKED, Secret

VALUE = "swordfish-4711"


def test_every_way_to_print_a_secret_is_masked() -> None:
    secret = Secret(VALUE)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        str([secret]),
        str({"a": secret}),
    ]
    assert not any(VALUE in text for text in shown)
    assert str(secret) == MASKED


def test_a_dataclass_with_a_secret_does_not_show_it() -> None:
    @dataclasses.dataclass
    class Login:
        token: Secret

    login = Login(Secret(VALUE))
    assert VALUE not in repr(login)
    assert VALUE not in str(dataclasses.asdict(login))


def test_json_refuses_a_secret_or_gets_the_mask() -> None:
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(VALUE)})
    assert json.dumps(Secret(VALUE), default=str) == f'"{MASKED}"'


def test_pickle_leaves_the_value_behind() -> None:
    data = pickle.dumps(Secret(VALUE))
    assert VALUE.encode() not in data
    with pytest.raises(ValueError, match="came out of a pickle"):
        pickle.loads(data).reveal()


def test_a_copy_is_the_secret_itself() -> None:
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_only_reveal_gives_the_value() -> None:
    secret = Secret(VALUE)
    assert secret.reveal() == VALUE
    assert Secret(secret).reveal() == VALUE
    assert not hasattr(secret, "__dict__")


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a")
    assert not Secret("")


def test_secrets_without_a_value_are_equal_to_nothing_else() -> None:
    gone = pickle.loads(pickle.dumps(Secret(VALUE)))
    assert gone != Secret(VALUE)
    assert gone == gone
