"""No form of a known secret comes out of a masker."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.evidence import MASKED, Masker, Secret, SecretTooShortError
from e2e.evidence.forms import forms

SECRET = "tok/en+1234567890=é"


def masker_of(*secrets: str) -> Masker:
    masker = Masker(shapes=False)
    for number, secret in enumerate(secrets):
        masker.add(secret, f"s{number}")
    return masker


def test_a_secret_is_replaced_by_its_label() -> None:
    masker = Masker()
    masker.add(Secret(SECRET), "admin-token")
    assert masker.mask(f"<{SECRET}>") == "<[masked:admin-token]>"
    assert masker.mask_bytes(f"<{SECRET}>".encode()) == b"<[masked:admin-token]>"


def test_a_text_without_secrets_comes_back_as_it_is() -> None:
    text = "nothing to see \ud800 here ✓\x00"
    assert masker_of(SECRET).mask(text) == text


def test_overlapping_secrets_leave_no_tail() -> None:
    masker = masker_of("abcdefgh", "efghijkl", "cdef-short")
    assert masker.mask("1abcdefghijkl2") == "1[masked:s0]2"


def test_the_longest_secret_gives_the_name() -> None:
    assert masker_of("abcdefgh", "abcdefghijkl").mask("abcdefghijkl") == "[masked:s1]"


@pytest.mark.parametrize("secret", ["", "abcde", "  abc   ", Secret("12345")])
def test_a_short_secret_is_refused_without_being_shown(secret: str | Secret) -> None:
    with pytest.raises(SecretTooShortError, match="the secret 'pin' has fewer than 6 characters"):
        Masker().add(secret, "pin")


def test_a_label_cannot_be_the_secret_by_mistake() -> None:
    with pytest.raises(ValueError, match="must be lower-case words"):
        Masker().add("something-long", "Some Label")


def test_each_line_of_a_long_secret_is_masked() -> None:
    masker = masker_of("first-line-of-it\n  second-line-of-it\n")
    assert masker.mask("a second-line-of-it b") == "a [masked:s0] b"


def test_a_secret_that_is_part_of_the_mask_goes_away_as_well() -> None:
    masker = masker_of("masked")
    assert masker.mask("all is masked") == "all is [***]"


class Colour(Enum):
    """Something with a secret in its value."""

    RED = "red-" + SECRET


def test_json_data_is_masked_in_keys_and_texts() -> None:
    document = {
        SECRET: [SECRET, ("a", 1, 2.5, None, True)],
        "secret": Secret("whatever"),
        "colour": Colour.RED,
        "path": PurePosixPath("/x") / "y",
        "time": datetime(2026, 6, 20, tzinfo=UTC),
        "set": {"b", "a"},
    }
    assert masker_of(SECRET).mask_json(document) == {
        "[masked:s0]": ["[masked:s0]", ["a", 1, 2.5, None, True]],
        "secret": MASKED,
        "colour": "red-[masked:s0]",
        "path": "/x/y",
        "time": "2026-06-20T00:00:00+00:00",
        "set": ["a", "b"],
    }


@pytest.mark.parametrize("value", [b"bytes", object(), {"a": [bytearray(b"x")]}])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        Masker().mask_json(value)


def test_a_telling_key_masks_a_value_that_looks_like_a_secret() -> None:
    masked = Masker().mask_json({"auth_token": "a1b2c3d4e5", "token": "absent", "token_present": "a1b2c3d4e5"})
    assert masked == {"auth_token": "[masked:named]", "token": "absent", "token_present": "a1b2c3d4e5"}


ENCODINGS: list[Callable[[str], str]] = [
    str,
    lambda text: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode(),
    lambda text: base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode(),
    lambda text: json.dumps({"k": text}),
    lambda text: json.dumps(json.dumps(text)),
    lambda text: text.encode("utf-8", "surrogatepass").hex(),
    repr,
]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.text(min_size=6, max_size=60).filter(lambda s: len(s.strip()) >= 6 and "\n" not in s), min_size=1, max_size=4
    ),
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from(ENCODINGS),
    st.data(),
)
def test_no_form_of_a_secret_survives(
    secrets: list[str], before: str, after: str, encode: Callable[[str], str], data: st.DataObject
) -> None:
    masker = masker_of(*secrets)
    secret = data.draw(st.sampled_from(secrets))
    masked = masker.mask(encode(before + secret + after))
    assert "[masked:" in masked or "[***]" in masked
    replaced = masked
    for number in range(len(secrets)):
        replaced = replaced.replace(f"[masked:s{number}]", "\x00")
    data_left = replaced.encode("utf-8", "surrogatepass")
    assert not [form for form in forms(secret) if form in data_left]


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200))
def test_masking_any_text_is_stable(text: str) -> None:
    masker = Masker()
    masker.add(SECRET, "a")
    once = masker.mask(text)
    assert masker.mask(once) == once
