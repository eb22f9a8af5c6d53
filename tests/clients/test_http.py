"""One exchange over HTTP: sent once, in time, and every useless answer is a typed error with its cause."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.clients.errors import NotReady, PlatformError, Refused, Rejected, Unavailable
from e2e.clients.http import MAX_ANSWER_BYTES, Answer, Exchange
from e2e.clients.pace import RequestPace

PAGE = b"\n  <!doctype html><html><title>Molecule</title></html>"


@pytest.fixture
def exchange(platform: Any) -> Iterator[Exchange]:
    """Return an exchange with the server, with little patience."""
    exchange = Exchange(
        platform.url + "/", headers={"X-Who": "harness"}, timeout=0.5, unavailable="not-there", refused="not-us"
    )
    yield exchange
    exchange.close()


def test_a_request_carries_its_headers_and_body_and_the_answer_comes_back_whole(
    platform: Any, exchange: Exchange
) -> None:
    platform.answers({"ok": True}, status=201, X_Answer="yes")
    answer = exchange.send("POST", "/things?x=1", body={"name": "ü"}, headers={"X-More": "2"})
    (seen,) = platform.requests
    assert (seen.method, seen.path, seen.json()) == ("POST", "/things?x=1", {"name": "ü"})
    assert (seen.headers["X-Who"], seen.headers["X-More"]) == ("harness", "2")
    assert (answer.status, answer.json(), answer.headers["x-answer"]) == (201, {"ok": True}, "yes")
    assert exchange.requests_sent == 1


def test_nothing_of_the_environment_comes_between(platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    exchange = Exchange(platform.url, headers={}, timeout=5, unavailable="a", refused="b")
    assert exchange.send("GET", "/").status == 200
    exchange.close()


@pytest.mark.parametrize("how", ["reset", "hang", "cut", "garbage", "trickle"])
def test_an_answer_that_does_not_come_whole_is_unavailable_and_the_request_was_sent_once(
    how: str, platform: Any, exchange: Exchange
) -> None:
    platform.breaks_off(how)
    with pytest.raises(Unavailable, match="POST /cp: no answer: ") as caught:
        exchange.send("POST", "/cp", body={"name": "x"})
    assert (caught.value.cause, caught.value.status) == ("not-there", None)
    assert len(platform.requests) == 1


def test_nobody_listening_is_unavailable(closed_port: str) -> None:
    exchange = Exchange(closed_port, headers={}, timeout=0.5, unavailable="not-there", refused="x")
    with pytest.raises(Unavailable, match="ConnectError"):
        exchange.send("GET", "/")
    exchange.close()


def test_an_answer_that_cannot_be_unpacked_is_unavailable(platform: Any, exchange: Exchange) -> None:
    platform.answers(b"no gzip", Content_Encoding="gzip")
    with pytest.raises(Unavailable, match="DecodingError"):
        exchange.send("GET", "/")


def test_an_answer_without_end_is_not_read_to_the_end(platform: Any, exchange: Exchange) -> None:
    bomb = gzip.compress(b"\0" * (MAX_ANSWER_BYTES + 1))
    platform.answers(bomb, Content_Encoding="gzip")
    with pytest.raises(Unavailable, match=f"Unreadable: the answer is longer than {MAX_ANSWER_BYTES} bytes"):
        exchange.send("GET", "/", timeout=30)


def test_a_single_request_may_take_longer_than_the_others(platform: Any, exchange: Exchange) -> None:
    platform.breaks_off("hang")
    with pytest.raises(Unavailable, match="ReadTimeout"):
        exchange.send("GET", "/", timeout=0.05)


def test_a_redirect_is_not_followed(platform: Any, exchange: Exchange) -> None:
    platform.answers({}, status=302, Location="/elsewhere")
    with pytest.raises(Unavailable) as caught:
        exchange.get_json("/here")
    assert caught.value.status == 302
    assert [seen.path for seen in platform.requests] == ["/here"]


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [
        (301, Unavailable, "not-there"),
        (400, Rejected, "not-there"),
        (401, Refused, "not-us"),
        (403, Refused, "not-us"),
        (404, NotReady, "not-there"),
        (408, Unavailable, "not-there"),
        (409, Rejected, "not-there"),
        (410, Rejected, "not-there"),
        (422, Rejected, "not-there"),
        (429, Unavailable, "not-there"),
        (500, Unavailable, "not-there"),
        (502, Unavailable, "not-there"),
        (503, Unavailable, "not-there"),
        (524, Unavailable, "not-there"),
    ],
)
@pytest.mark.parametrize("body", [b'{"error": "because"}', b"because", PAGE])
def test_every_status_is_its_own_kind_of_error(
    status: int, error: type[PlatformError], cause: str, body: bytes, platform: Any, exchange: Exchange
) -> None:
    platform.answers(body, status=status)
    with pytest.raises(PlatformError, match=rf"GET /x: HTTP {status}: ") as caught:
        exchange.get_json("/x")
    assert type(caught.value) is error
    assert (caught.value.cause, caught.value.status) == (cause, status)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (PAGE, "a page where JSON is due"),
        (b"", "not JSON"),
        (b'{"id": ', "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=["page", "empty", "torn", "not text", "too deep"],
)
def test_a_good_status_with_a_useless_body_is_not_ready(
    body: bytes, why: str, platform: Any, exchange: Exchange
) -> None:
    platform.answers(body)
    with pytest.raises(NotReady, match=why) as caught:
        exchange.get_json("/x")
    assert (caught.value.cause, caught.value.status) == ("not-there", 200)


def test_json_comes_back_as_it_is(platform: Any, exchange: Exchange) -> None:
    platform.answers([1, {"two": None}])
    assert exchange.get_json("/x") == [1, {"two": None}]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_good_status_is_a_success(status: int, exchange: Exchange) -> None:
    exchange.require_success(Answer(status, {}, b""), "GET /x")


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b'{"error": "because", "code": 7}', "because"),
        (b'{"error": {"message": "because"}}', '{"error": {"message": "because"}}'),
        (b"[1, 2]", "[1, 2]"),
        (b"plain words", "plain words"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"x" * 1000, "x" * 400),
        (b'{"error": "' + b"x" * 1000 + b'"}', "x" * 400),
    ],
)
def test_an_excerpt_is_the_error_or_the_beginning(body: bytes, excerpt: str) -> None:
    assert Answer(500, {}, body).excerpt() == excerpt


def test_an_answer_is_no_condition() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(Answer(200, {}, b"{}"))


def test_an_error_says_in_its_first_line_what_happened() -> None:
    assert str(Rejected("cause", "POST /x", status=409)) == "POST /x: HTTP 409"
    assert str(Unavailable("cause", "POST /x", detail="reset")) == "POST /x: no answer: reset"
    error = Refused("cause", "GET /x", status=401, detail="who?")
    assert (error.cause, error.what, error.status, error.detail) == ("cause", "GET /x", 401, "who?")


def test_a_paced_exchange_asks_before_every_request(platform: Any) -> None:
    platform.answers({})
    slept: list[float] = []
    pace = RequestPace(2.0, monotonic=lambda: 0.0, sleep=slept.append)
    exchange = Exchange(platform.url, headers={}, timeout=5.0, unavailable="x", refused="y", pace=pace)
    for _ in range(3):
        exchange.send("GET", "/")
    exchange.close()
    assert slept == [0.5, 1.0]
