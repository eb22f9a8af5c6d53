"""A look is read tolerantly: what is missing or malformed was not seen, and nothing else breaks."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.probes.look import HostLook, Look, ProbeOutputError, parse_look
from e2e.probes.seen import ConciergeSeen, EntrySeen, Incarnation, SettingsSeen

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


KEYS = [
    "host",
    "containers",
    "concierge",
    "registry_log",
    "docker",
    "settings",
    "entry",
    "presence",
    "plugins",
    "users",
]
KEYS += ["launch", "call", "tool", "server", "stderr", "runtime_log", "log", "matches", "counts", "container", "image"]
KEYS += ["error", "state", "answer", "present", "position", "core"]
PARTS = JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4)


def document(**parts: Any) -> bytes:
    return json.dumps({"version": 1, **parts}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'{"version": 2}',
        b'{"version": "1"}',
        b'{"version": 1, "seconds": NaN}',
        b'{"version": 1, "a": ' + b"[" * 50 + b"]" * 50 + b"}",
        b"[" * 100_000,
        b" " * (5 * 1024 * 1024),
    ],
)
def test_what_is_no_document_of_the_probe_is_an_error(answer: bytes) -> None:
    with pytest.raises(ProbeOutputError):
        parse_look(answer)


def test_the_error_does_not_quote_the_answer() -> None:
    with pytest.raises(ProbeOutputError) as caught:
        parse_look(b"token canary")
    assert "canary" not in str(caught.value)


def test_an_empty_document_is_a_host_of_which_nothing_was_seen() -> None:
    look = parse_look(document(), "i-1")
    assert (look.instance_id, look.concierge, look.registry, look.containers) == ("i-1", None, None, None)
    assert dict(look.part_errors) == {}


def test_parts_that_failed_are_named_and_not_seen() -> None:
    failed = {"error": "DockerFailed"}
    look = parse_look(
        document(
            host=failed,
            docker={"error": "DockerMissing"},
            containers=[failed, {"name": "ws-1"}],
            registry_log=failed,
            concierge={"settings": failed, "presence": failed, "plugins": failed, "launch": failed},
        )
    )
    assert dict(look.part_errors) == {
        "host": "DockerFailed",
        "docker": "DockerMissing",
        "containers[0]": "DockerFailed",
        "registry_log": "DockerFailed",
        "concierge.settings": "DockerFailed",
        "concierge.presence": "DockerFailed",
        "concierge.plugins": "DockerFailed",
        "concierge.launch": "DockerFailed",
    }
    assert look.concierge is not None
    assert look.concierge.settings is None
    assert look.concierge.plugins is None
    assert look.concierge.reads_present is None
    assert [container.name for container in look.containers or ()] == ["ws-1"]


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4), max_size=6)
)
def test_any_document_is_read_without_another_exception(parts: dict[str, Any]) -> None:
    try:
        look = parse_look(document(**parts))
    except ProbeOutputError:
        return
    assert isinstance(look, HostLook)


def test_texts_of_an_untrusted_host_are_bounded() -> None:
    look = parse_look(document(host={"boot_id": "x" * 10_000, "python": "3.12.3"}))
    assert (look.boot_id, look.python) == (None, "3.12.3")


def concierge(*, running: bool, started: str, name: str = "ws-1") -> bytes:
    return document(
        host={"boot_id": "b"},
        concierge={
            "container": {"name": name, "id": "c", "running": running, "started_at": started, "restart_count": 0}
        },
    )


def test_the_host_with_the_running_concierge_is_the_concierges_host() -> None:
    older = parse_look(concierge(running=False, started="2026-06-20T13:00:00Z"), "i-1")
    newer = parse_look(concierge(running=True, started="2026-06-20T12:00:00Z"), "i-2")
    empty = parse_look(document(), "i-3")
    look = Look((empty, older, newer))
    assert look.concierge_host is newer
    assert look.concierge is newer.concierge
    assert (look.tenant_host, look.registry) == (None, None)
    assert Look((empty,)).concierge is None


def test_an_incarnation_tells_one_life_from_another() -> None:
    look = parse_look(concierge(running=True, started="2026-06-20T12:00:00Z"), "i-1")
    same = parse_look(concierge(running=True, started="2026-06-20T12:00:00Z"), "i-1")
    restarted = parse_look(concierge(running=True, started="2026-06-20T12:05:00Z"), "i-1")
    elsewhere = parse_look(concierge(running=True, started="2026-06-20T12:00:00Z"), "i-2")
    assert look.concierge_incarnation == same.concierge_incarnation
    assert look.concierge_incarnation == Incarnation("i-1", "b", "c", "2026-06-20T12:00:00Z", 0)
    assert look.concierge_incarnation not in (restarted.concierge_incarnation, elsewhere.concierge_incarnation)
    assert look.concierge_incarnation is not None
    assert look.concierge_incarnation.is_complete
    partial = parse_look(document(concierge={"container": {"id": "c"}}), "i-1").concierge_incarnation
    assert partial is not None
    assert not partial.is_complete


def seen(state: Any, present: bool | None, legacy: bool | None) -> ConciergeSeen:
    entry = None if present is None else EntrySeen(present, "object", None, None, (), None, None, None)
    wiring = None if state == "unseen" else SettingsSeen(None, state, (), None, (), entry)
    values: dict[str, Any] = {field.name: None for field in fields(ConciergeSeen)}
    return ConciergeSeen(**{**values, "settings": wiring, "legacy_binary": legacy})


@pytest.mark.parametrize(
    ("state", "present", "legacy", "reading"),
    [
        ("ok", True, False, True),
        ("ok", False, False, False),
        ("absent", None, False, False),
        ("malformed", None, False, False),
        ("absent", None, True, True),
        ("unseen", None, True, True),
        ("unseen", None, False, None),
        ("ok", True, None, None),
        ("ok", None, False, None),
        (None, None, False, None),
    ],
)
def test_our_reading_of_presence_is_never_guessed(
    state: Any, present: bool | None, legacy: bool | None, reading: bool | None
) -> None:
    assert seen(state, present, legacy).reads_present is reading


def test_a_look_is_frozen_all_the_way_down() -> None:
    look = parse_look(concierge(running=True, started="x"))
    assert is_dataclass(look)
    with pytest.raises(AttributeError):
        look.boot_id = "y"  # type: ignore[misc]
