"""Ids repeat, tokens do not."""

import uuid

from e2e.twin.identities import Identities, same_token


def test_the_same_seed_gives_the_same_ids_and_never_the_same_tokens() -> None:
    one, other = Identities(7), Identities(7)
    first = one.new_uuid()
    assert first == other.new_uuid() != Identities(8).new_uuid()
    assert uuid.UUID(first).version == 4
    assert one.new_token("x") != other.new_token("x")


def test_an_empty_token_is_never_right() -> None:
    assert same_token("a", "a")
    assert not same_token("a", "b")
    assert not same_token(None, "a")
    assert not same_token("", "")
    assert not same_token("ü", "a")
