"""Calls and answers over a real port."""

import socket
import threading
from collections.abc import Iterator

import pytest

from e2e.twin.listener import Listener, PortBusyError, bind_loopback
from e2e.twin.outbound import TooSlowError, UnreachableError, request, request_json
from e2e.twin.wire import Answer, Application, Call, RefusedError, Route

RELEASE = threading.Event()


def refuse(_call: Call) -> Answer:
    raise RefusedError(409, "taken", code="X", status="busy")


def slow(_call: Call) -> Answer:
    RELEASE.wait(10)
    return Answer(204)


def guard(call: Call) -> None:
    if call.headers.get("x-stop"):
        raise RefusedError(403, "stopped")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    routes = [
        Route("GET", "/echo/{name}", lambda call: Answer(200, [call.parameters["name"], dict(call.query)])),
        Route("POST", "/echo/{name}", lambda call: Answer(201, call.json_object())),
        Route("GET", "/refuse", refuse),
        Route("GET", "/slow", slow),
        Route("GET", "/bytes", lambda _: Answer(200, body=b"\x00\x01", headers={"content-type": "application/gzip"})),
    ]
    listener = Listener(Application(routes, guard), bind_loopback(0))
    yield listener.start()
    RELEASE.set()
    listener.stop()


def test_parameters_query_and_body_arrive(url: str) -> None:
    assert request("GET", f"{url}/echo/x?a=b", timeout=5).document() == ["x", {"a": "b"}]
    assert request_json("POST", f"{url}/echo/x", {"ü": [1]}, timeout=5).document() == {"ü": [1]}
    assert request("POST", f"{url}/echo/x", body=b"[1]", timeout=5).document() is None


def test_bytes_stay_bytes(url: str) -> None:
    reply = request("GET", f"{url}/bytes", timeout=5)
    assert (reply.body, reply.headers["content-type"]) == (b"\x00\x01", "application/gzip")


def test_a_refusal_is_an_answer_with_its_fields(url: str) -> None:
    reply = request("GET", f"{url}/refuse", timeout=5)
    assert (reply.status, reply.document()) == (409, {"error": "taken", "code": "X", "status": "busy"})


def test_the_guard_sees_the_call_first(url: str) -> None:
    assert request("GET", f"{url}/echo/x", timeout=5, headers={"X-Stop": "1"}).status == 403


def test_another_method_is_a_405(url: str) -> None:
    assert request("DELETE", f"{url}/echo/x", timeout=5).status == 405


def test_a_slow_handler_does_not_hold_up_the_others(url: str) -> None:
    RELEASE.clear()
    with pytest.raises(TooSlowError):
        request("GET", f"{url}/slow", timeout=0.05)
    assert request("GET", f"{url}/echo/x", timeout=5).status == 200
    RELEASE.set()


def test_nobody_there_is_unreachable() -> None:
    listening = bind_loopback(0)
    port = listening.getsockname()[1]
    listening.close()
    with pytest.raises(UnreachableError, match="ConnectionRefusedError"):
        request("GET", f"http://127.0.0.1:{port}/", timeout=5)


@pytest.mark.parametrize("port", [99999, -1])
def test_a_port_out_of_range_is_named(port: int) -> None:
    with pytest.raises(PortBusyError, match=str(port)):
        bind_loopback(port)


def test_a_taken_port_is_named() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(PortBusyError, match="already in use"):
        bind_loopback(taken.getsockname()[1])


def test_a_stopped_listener_frees_its_port_even_if_it_never_started() -> None:
    for started in (True, False):
        listener = Listener(Application([]), bind_loopback(0))
        if started:
            assert request("GET", listener.start(), timeout=5).status == 404
        listener.stop()
        bind_loopback(listener.port).close()


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("Bearer", None), ("", None)],
)
def test_the_bearer_is_read(header: str, token: str | None) -> None:
    assert Call("GET", "/", {"authorization": header}).bearer() == token
