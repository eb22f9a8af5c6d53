"""What may happen to a call before the control plane sees it, and to its answer after that."""

import threading
import time
from http import HTTPStatus

from e2e.twin.control_plane.estate import Estate
from e2e.twin.wire import Answer, Call, Handler


class FrontDoor:
    """Stands before every route of one control plane."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._lock = threading.Lock()
        self._hiccup_began: float | None = None

    def behind(self, handler: Handler) -> Handler:
        """Return ``handler`` with the door before it."""

        def guarded(call: Call) -> Answer:
            where = f"{call.method} {call.path}"
            unavailable = self._estate.switch.acting("control-plane-unavailable", where)
            if unavailable is not None:
                return _page(int(unavailable.parameters["status"]))
            hiccup = self._estate.switch.current("control-plane-hiccup")
            if hiccup is not None and self._hiccups(hiccup.parameters["seconds"]):
                self._estate.switch.acts(hiccup.name, where)
                if hiccup.parameters["acted"] and call.method == "POST" and call.path == "/cp/admin/orgs":
                    handler(call)
                return Answer(HTTPStatus.SERVICE_UNAVAILABLE)
            return handler(call)

        return guarded

    def _hiccups(self, seconds: float) -> bool:
        now = time.monotonic()
        with self._lock:
            if self._hiccup_began is None:
                self._hiccup_began = now
            return now - self._hiccup_began < self._estate.clock.wall(seconds)


def _page(status: int) -> Answer:
    """Return what the edge answers for a service that is down: nothing with 503, else a page."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Answer(status)
    title = HTTPStatus(status).phrase
    text = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, body=text.encode(), headers={"content-type": "text/html; charset=utf-8"})
