"""Registers the workspace with the platform, once in a life.

Eight attempts with growing pauses; any 2xx is success. Any 4xx is a misconfiguration: one attempt, one line, no
retry, and the boot goes on, since heartbeats can still bring the workspace online.
"""

import time
from collections.abc import Callable, Mapping

from molecule_runtime.credentials import Credentials
from molecule_runtime.platform_client import PlatformAnswer, PlatformClient, TransportError

__all__ = ["register"]

_PAUSES_SECONDS = (1, 2, 4, 8, 16, 30, 30)


def register(
    client: PlatformClient,
    build_body: Callable[[], Mapping[str, object]],
    credentials: Credentials,
    speed: float,
    print_line: Callable[[str], None],
    pause: Callable[[float], bool | None] = time.sleep,
) -> bool:
    """Post ``/registry/register`` and keep the secrets of the answer; return whether the platform took it.

    Never raises. ``pause`` waits wall seconds between attempts and answers true if there is no point in going on.
    """
    attempts = len(_PAUSES_SECONDS) + 1
    detail = ""
    for attempt in range(1, attempts + 1):
        try:
            answer = client.post("/registry/register", build_body(), credentials.headers())
        except TransportError as error:
            detail = str(error)
        else:
            if 200 <= answer.status < 300:
                print_line(f"Registered with platform: {answer.status}")
                _keep_secrets(answer, credentials, print_line)
                return True
            if 400 <= answer.status < 500:
                print_line(
                    f"Register: HTTP {answer.status} is a client error (misconfiguration) — not retrying; "
                    "proceeding (heartbeat backfill is the recovery path)"
                )
                return False
            detail = f"HTTP {answer.status}" + (" (Cloudflare edge — transient)" if answer.status == 530 else "")
        if attempt < attempts:
            seconds = _PAUSES_SECONDS[attempt - 1]
            print_line(f"Register: attempt {attempt}/{attempts} failed ({detail}), retrying in {seconds}s...")
            if pause(seconds / speed):
                return False
    print_line(
        f"Warning: failed to register with platform after {attempts} attempts ({detail}) — proceeding; "
        "heartbeat backfill is the recovery path"
    )
    return False


def _keep_secrets(answer: PlatformAnswer, credentials: Credentials, print_line: Callable[[str], None]) -> None:
    try:
        document = answer.json_object()
        token, secret = document.get("auth_token"), document.get("platform_inbound_secret")
        if isinstance(token, str) and token:
            credentials.save_auth_token(token)
            print_line("Saved workspace auth token (value=[REDACTED])")
        if isinstance(secret, str) and secret and credentials.save_inbound_secret(secret):
            print_line("Saved platform_inbound_secret (value=[REDACTED])")
    except (OSError, ValueError) as error:
        print_line(f"Warning: couldn't parse register response for token: {error}")
