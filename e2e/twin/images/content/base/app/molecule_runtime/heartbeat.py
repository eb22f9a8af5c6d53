"""The heartbeat: a thread of its own, so that a busy agent goes on beating.

The first beat goes out at once, then one per interval. The HTTP status of an answer is never looked at (the
platform's own client does not raise on one either), so a revoked token or a gate that refuses the workspace is not
noticed here: only the platform's side knows. Transport errors are told for the first three failures in a row and
every tenth after that. The platform's runtime of June 2026 span without any pause from the tenth failure on; that is
not repeated here.
"""

import sys
import threading
from collections.abc import Callable, Mapping

from molecule_runtime.credentials import Credentials
from molecule_runtime.faults import acts, parameters
from molecule_runtime.platform_client import PlatformClient, TransportError

__all__ = ["HeartbeatLoop"]

_ALWAYS_TOLD = 3
_TOLD_EACH = 10


class HeartbeatLoop:
    """Beats until stopped."""

    def __init__(
        self,
        client: PlatformClient,
        build_body: Callable[[], Mapping[str, object]],
        credentials: Credentials,
        interval_seconds: float,
    ) -> None:
        """Take what builds each beat's body and the interval in wall seconds; nothing is sent before :meth:`start`."""
        self._client = client
        self._build_body = build_body
        self._credentials = credentials
        self._interval_seconds = interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat-alive", daemon=True)

    def start(self) -> None:
        """Send the first beat at once and go on from there."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; a beat that is under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        failures = sent = 0
        while not self._stopped.is_set():
            if _has_stopped(sent):
                self._stopped.wait(self._interval_seconds)
                continue
            try:
                sent += 1
                self._beat()
            except TransportError as error:
                failures += 1
                if failures <= _ALWAYS_TOLD or failures % _TOLD_EACH == 0:
                    print(f"Heartbeat failed ({failures} consecutive): {error}", file=sys.stderr, flush=True)
            except Exception as error:  # noqa: BLE001 - the thread's border: whatever a body costs, the beat must go on
                seconds = round(self._interval_seconds)
                print(f"Heartbeat thread error: {error} — retrying in {seconds}s", file=sys.stderr, flush=True)
            else:
                failures = 0
            self._stopped.wait(self._interval_seconds)

    def _beat(self) -> None:
        answer = self._client.post("/registry/heartbeat", self._build_body(), self._credentials.headers())
        try:
            secret = answer.json_object().get("platform_inbound_secret")
            if isinstance(secret, str) and secret:
                self._credentials.save_inbound_secret(secret)
        except (OSError, ValueError):
            return  # an answer without a usable secret is an answer all the same: the loop never judges it


def _has_stopped(sent: int) -> bool:
    """Say whether the fault keeps this beat back: it lets some out first, so that the workspace comes online."""
    stopped = parameters("heartbeat-stopped")
    return stopped is not None and sent >= stopped["beats"] and acts("heartbeat-stopped", "heartbeat")
