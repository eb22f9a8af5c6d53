"""The AWS clients of one process: one botocore session, each service model parsed once.

SendCommand has no idempotency token, and botocore's adaptive mode was measured to send a lost one four times. So
sending has a client of its own that tries exactly once; everything else retries adaptively.
"""

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from e2e.hosts.errors import EndpointRefused
from e2e.hosts.limiter import Limiter
from e2e.hosts.polling import PollTimes
from e2e.hosts.watching import InvocationWatch

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

Service = Literal["ec2", "ssm", "sts"]
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """Static credentials. Their text form shows no part of the secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class AwsClients:
    """Makes each client once and hands it out; safe to share between threads and runs.

    With an ``endpoint_url`` (a twin) nothing of the surroundings is used: no profile, no config file, no proxy, no
    instance metadata; so ``credentials`` are needed. Without one the credentials may be left to boto3, and requests
    may leave for ``amazonaws.com`` only: a forgotten ``AWS_ENDPOINT_URL_SSM`` would send a live run to a twin.

    Every attempt of every request waits for its turn at one limiter and is counted in ``requests`` by its operation;
    ``watch`` is the one polling loop of all commands that are sent through these clients.
    """

    def __init__(
        self, *, region: str, endpoint_url: str | None, credentials: AwsCredentials | None, poll: PollTimes
    ) -> None:
        if endpoint_url is not None and credentials is None:
            raise EndpointRefused("an endpoint of our own needs credentials of its own")
        self.region = region
        self.endpoint_url = endpoint_url
        self._credentials = credentials
        self._poll = poll
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._clients: dict[str, Any] = {}
        self._limiter = Limiter(poll.requests_per_second, poll.requests_at_once)
        self.requests: Counter[str] = Counter()
        self.watch = InvocationWatch(self.ssm)

    def ssm(self) -> "SSMClient":
        """Return the client for everything that only reads, or may be repeated."""
        return cast("SSMClient", self._client("ssm", "ssm", self._poll.read_attempts))

    def ssm_sender(self) -> "SSMClient":
        """Return the client for SendCommand: one attempt, never more."""
        return cast("SSMClient", self._client("ssm-sender", "ssm", 1))

    def ec2(self) -> "EC2Client":
        """Return the EC2 client."""
        return cast("EC2Client", self._client("ec2", "ec2", self._poll.read_attempts))

    def sts(self) -> "STSClient":
        """Return the STS client."""
        return cast("STSClient", self._client("sts", "sts", self._poll.read_attempts))

    def warm(self) -> None:
        """Make the clients that a look needs. Worth a thread while something else is waited for (~0.4 s of CPU)."""
        self.ssm_sender()
        self.ssm()
        self.ec2()

    def close(self) -> None:
        """Close the connections of every client."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, key: str, service: Service, attempts: int) -> object:
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, attempts)
            return self._clients[key]

    def _make(self, service: Service, attempts: int) -> object:
        from botocore.config import Config

        settings: dict[str, Any] = {
            "region_name": self.region,
            "retries": {"mode": "adaptive" if attempts > 1 else "standard", "total_max_attempts": attempts},
            "connect_timeout": self._poll.connect_timeout_seconds,
            "read_timeout": self._poll.read_timeout_seconds,
            "ignore_configured_endpoint_urls": True,
            "max_pool_connections": 16,
            "user_agent_extra": "concierge-e2e",
        }
        if self.endpoint_url is not None:
            settings["proxies"] = {}
        if self._session is None:
            self._session = self._make_session()
        secrets: dict[str, Any] = {}
        if self._credentials is not None:
            secrets = {
                "aws_access_key_id": self._credentials.access_key_id,
                "aws_secret_access_key": self._credentials.secret_access_key,
                "aws_session_token": self._credentials.session_token,
            }
        client = self._session.client(service, endpoint_url=self.endpoint_url, config=Config(**settings), **secrets)
        client.meta.events.register("before-send", self._guard)
        return client

    def _make_session(self) -> "boto3.Session":
        import boto3
        import botocore.session

        if self.endpoint_url is None:
            return boto3.Session(botocore_session=botocore.session.get_session(), region_name=self.region)
        inner = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        inner.set_config_variable("config_file", os.devnull)
        inner.set_config_variable("credentials_file", os.devnull)
        return boto3.Session(botocore_session=inner, region_name=self.region)

    def _guard(self, request: Any, event_name: str = "", **_: object) -> None:
        """Stop a request that is about to leave for a place it must not go to; returning nothing lets it pass.

        It is called for each attempt, botocore's own repetitions included.
        """
        host = urlsplit(str(request.url)).hostname or ""
        if self.endpoint_url is None:
            allowed = host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        else:
            allowed = host == urlsplit(self.endpoint_url).hostname and host in _LOOPBACK
        if not allowed:
            raise EndpointRefused(f"{host} is not where this run may go")
        self._limiter.wait()
        with self._lock:
            self.requests[event_name.removeprefix("before-send.")] += 1
