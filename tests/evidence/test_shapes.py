"""Secrets that nobody registered are known by their look; facts are left alone."""

import pytest

from e2e.evidence import Masker
from e2e.evidence.shapes import looks_secret

TOKEN = "a1B2c3D4e5" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Authorization: Bearer {TOKEN}\nHost: x", "Authorization: [masked:authorization]\nHost: x"),
        ("authorization: AWS4-HMAC-SHA256 Credential=x, Signature=abc", "authorization: [masked:authorization]"),
        (f'{{"Authorization": "Basic {TOKEN}", "a": 1}}', '{"Authorization": "[masked:authorization]", "a": 1}'),
        (f"sent bearer {TOKEN}.", "sent bearer [masked:bearer]"),
        ("id AK" + "IA" + "Z9" * 8 + " used", "id [masked:aws-key-id] used"),
        ("ghp" + "_" + TOKEN, "[masked:github-token]"),
        ("github_" + "pat_" + TOKEN, "[masked:github-token]"),
        ("key sk-" + "ant-" + TOKEN, "key [masked:api-key]"),
        ("xox" + "b-" + TOKEN, "[masked:slack-token]"),
        ("npm" + "_" + TOKEN, "[masked:npm-token]"),
        ("ey" + "J" + TOKEN + ".eyJ" + TOKEN + "." + TOKEN, "[masked:json-web-token]"),
        (
            "-----BEGIN " + "RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest",
            "[masked:private-key]\nrest",
        ),
        ("-----BEGIN " + "PRIVATE KEY-----\ncut off", "[masked:private-key]"),
        ("https://user:hunter2@host/x", "https://user:[masked:url-password]@host/x"),
        ("?X-Amz-Signature=0123456789abcdef&y=1", "?X-Amz-Signature=[masked:aws-signature]&y=1"),
        (f'"auth_token":"{TOKEN}"', '"auth_token":"[masked:named]"'),
        (f"MOLECULE_ORG_API_KEY={TOKEN} X=1", "MOLECULE_ORG_API_KEY=[masked:named] X=1"),
        (f"aws_secret_access_key = {TOKEN}", "aws_secret_access_key = [masked:named]"),
        (f'{{\\"password\\": \\"{TOKEN}\\"}}', '{\\"password\\": \\"[masked:named]\\"}'),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    assert Masker().mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Heartbeat: platform agent heartbeat denied: no seded MODEL workspace_secret; refusing (RCA #2970 FAIL-CLOSED)",
        "Registry register: reason=platform_agent_mcp_missing (workspace=0d3a55aa-0000-4000-8000-000000000000)",
        "Saved workspace auth token (value=[REDACTED])",
        "auth_token: present, secret=absent, password: none",
        "Bearer authentication is wanted",
        "sha256:" + "0123456789abcdef" * 4,
        "i-0123456789abcdef0",
        "https://staging-api.moleculesai.app:443/cp/admin/orgs",
        "mcp__molecule-platform__create_workspace",
    ],
)
def test_facts_are_left_alone(text: str) -> None:
    assert Masker().mask(text) == text


def test_masking_twice_changes_nothing() -> None:
    masker = Masker()
    once = masker.mask(f"Authorization: Bearer {TOKEN}\nurl://a:{TOKEN}@b token={TOKEN}")
    assert masker.mask(once) == once


@pytest.mark.parametrize(
    ("value", "answer"), [(TOKEN, True), ("present", False), ("12345678", False), ("a1 b2 c3 d4", False)]
)
def test_a_value_looks_secret_if_it_is_one_long_mixed_word(value: str, answer: bool) -> None:
    assert looks_secret(value) is answer


@pytest.mark.parametrize(
    "anchor",
    [
        "authorization:",
        "bearer ",
        "token=",
        "://",
        "-----BEGIN " + "PRIVATE KEY-----",
        "eyJ",
        "password: ",
        "sk-ant-",
        "x-amz-signature=",
        "gh" + "p_a",
        "xoxb-",
    ],
)
def test_hostile_repetition_does_not_take_forever(anchor: str) -> None:
    text = anchor * (1_000_000 // len(anchor))
    assert Masker().mask(text)
