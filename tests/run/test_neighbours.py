"""A good neighbour: a freeze keeps everybody from booting, and only so many tenants of ours live at once."""

from pathlib import Path
from typing import Any

import pytest

from e2e.clients.control_plane import Organisation
from e2e.clients.errors import Refused, Unavailable
from e2e.run.neighbours import require_thaw, wait_for_room
from e2e.run.target import TargetRefusal
from e2e.run.waiting import Interrupted


def tenants(count: int, status: str = "running", slug: str = "e2e-boot-0000000{}-00000000") -> list[Organisation]:
    return [Organisation(str(n), slug.format(n), "x", status, None, None) for n in range(count)]


def wait(limit: int, answers: list[Any], clock: Any) -> list[str]:
    """Wait for room; each look takes the next answer, the last one for ever. Returns what was said."""
    said: list[str] = []

    def organisations() -> list[Organisation]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    wait_for_room(limit, organisations, seconds=600.0, every=15.0, pacing=clock, say=said.append)
    return said


def test_a_run_goes_ahead_where_there_is_room(clock: Any) -> None:
    assert wait(3, [tenants(2)], clock) == []


def test_a_run_waits_until_one_of_ours_is_gone(clock: Any) -> None:
    (line,) = wait(2, [tenants(2), tenants(2), tenants(1)], clock)
    assert "2 tenants of ours are alive, at most 2 may be" in line


def test_tenants_of_others_and_purged_ones_take_no_room(clock: Any) -> None:
    assert wait(1, [[*tenants(5, slug="e2e-cncrg-{}"), *tenants(3, "purged")]], clock) == []


def test_tenants_that_stay_are_too_many_after_the_wait(clock: Any) -> None:
    began = clock.monotonic()
    with pytest.raises(TargetRefusal, match="6 tenants of ours") as refused:
        wait(6, [tenants(6)], clock)
    assert refused.value.cause == "too-many-live-tenants"
    assert clock.monotonic() - began == pytest.approx(600.0)


def test_a_hiccup_of_the_control_plane_is_waited_out_and_an_outage_is_named(clock: Any) -> None:
    down = Unavailable("control-plane-unavailable", "GET /cp/admin/orgs", status=502)
    wait(6, [down, down, tenants(0)], clock)
    with pytest.raises(TargetRefusal) as refused:
        wait(6, [down], clock)
    assert refused.value.cause == "control-plane-unavailable"


def test_a_refused_token_ends_the_wait_at_once(clock: Any) -> None:
    began = clock.monotonic()
    with pytest.raises(TargetRefusal) as refused:
        wait(6, [Refused("control-plane-unauthorized", "GET /cp/admin/orgs", status=401)], clock)
    assert refused.value.cause == "control-plane-unauthorized"
    assert clock.monotonic() == began


def test_the_wait_for_room_can_be_interrupted(clock: Any) -> None:
    clock.interrupt_at = clock.monotonic() + 60.0
    with pytest.raises(Interrupted):
        wait(1, [tenants(1)], clock)


def test_without_a_freeze_file_nothing_is_frozen(tmp_path: Path) -> None:
    require_thaw((str(tmp_path / "frozen"),))


@pytest.mark.parametrize(("text", "quoted"), [("demo until noon\n", "demo until noon"), ("", "the file is there")])
def test_a_freeze_file_keeps_everybody_from_booting_and_is_quoted(text: str, quoted: str, tmp_path: Path) -> None:
    (tmp_path / "frozen").write_text(text)
    with pytest.raises(TargetRefusal, match=quoted) as refused:
        require_thaw((str(tmp_path / "absent"), str(tmp_path / "frozen")))
    assert refused.value.cause == "staging-frozen"


def test_a_freeze_file_that_cannot_be_read_counts_as_a_freeze(tmp_path: Path) -> None:
    with pytest.raises(TargetRefusal, match="counts as a freeze"):
        require_thaw((str(tmp_path),))


@pytest.mark.parametrize(("status", "body"), [(404, b"gone"), (200, b""), (200, b" \n")])
def test_a_freeze_url_that_says_nothing_freezes_nothing(status: int, body: bytes, platform: Any) -> None:
    platform.answers["GET /freeze"] = lambda _: (status, body)
    require_thaw((f"{platform.url}/freeze",))


@pytest.mark.parametrize(
    ("status", "body", "quoted"),
    [(200, b"release day", "release day"), (500, b"oops", "HTTP 500"), (401, b"", "HTTP 401")],
)
def test_a_freeze_url_that_speaks_or_cannot_be_read_freezes(
    status: int, body: bytes, quoted: str, platform: Any
) -> None:
    platform.answers["GET /freeze"] = lambda _: (status, body)
    with pytest.raises(TargetRefusal, match=quoted):
        require_thaw((f"{platform.url}/freeze",))


def test_a_freeze_url_where_nobody_answers_counts_as_a_freeze() -> None:
    with pytest.raises(TargetRefusal, match="counts as a freeze"):
        require_thaw(("http://127.0.0.1:1/freeze",))
