"""A secret is looked for in the forms that programs give it."""

import base64
import json
import shlex
from urllib.parse import quote

import pytest

from e2e.evidence.forms import forms

SECRET = "p@ss/w\"o'r+d=ü-9"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%C3%BC", "%c3%bc").lower().replace("p@", "p@"),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps({"inner": json.dumps({"password": SECRET})}),
        json.dumps(SECRET).replace("/", "\\/"),
        shlex.join(["curl", "-H", f"X: {SECRET}"]),
        repr(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_the_usual_encodings_contain_a_form(text: str) -> None:
    assert any(form in text.encode() for form in forms(SECRET))


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_at_any_position(before: str, after: str, encode: object) -> None:
    assert callable(encode)
    encoded = encode((before + SECRET + after).encode())
    assert any(form in encoded for form in forms(SECRET))


def test_a_form_is_never_so_short_that_it_falls_on_words() -> None:
    assert all(len(form) >= 6 for form in forms("abcdef"))
