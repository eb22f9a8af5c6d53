"""Runs of one process share their AWS clients, and nobody closes what another still uses."""

import pytest

from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.client_pool import ClientPool, Lease
from e2e.hosts.errors import EndpointRefused
from e2e.hosts.polling import PollTimes

URL = "http://127.0.0.1:1"


def lease(pool: ClientPool, *regions: str, url: str = URL, key: str = "AKIA1") -> Lease:
    return pool.lease(regions, endpoint_url=url, credentials=AwsCredentials(key, "x"), poll=PollTimes.embedded())


def test_the_same_caller_at_the_same_place_gets_the_same_clients() -> None:
    pool = ClientPool()
    with lease(pool, "us-east-2") as first, lease(pool, "us-east-2", "eu-west-1", "us-east-2") as second:
        assert first.clients[0] is second.clients[0]
        assert [clients.region for clients in second.clients] == ["us-east-2", "eu-west-1"]


@pytest.mark.parametrize("other", [{"url": "http://127.0.0.1:2"}, {"key": "AKIA2"}])
def test_another_place_or_another_caller_shares_nothing(other: dict[str, str]) -> None:
    pool = ClientPool()
    with lease(pool, "us-east-2") as first, lease(pool, "us-east-2", **other) as second:
        assert first.clients[0] is not second.clients[0]


def test_only_the_last_one_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[AwsClients] = []

    def close(clients: AwsClients) -> None:
        closed.append(clients)

    monkeypatch.setattr(AwsClients, "close", close)
    pool = ClientPool()
    with lease(pool, "us-east-2") as first:
        with lease(pool, "us-east-2"):
            pass
        assert closed == []
    assert closed == [first.clients[0]]
    with lease(pool, "us-east-2") as later:
        assert later.clients[0] is not first.clients[0]


def test_an_endpoint_without_credentials_of_its_own_is_refused() -> None:
    with pytest.raises(EndpointRefused):
        ClientPool().lease(["us-east-2"], endpoint_url=URL, credentials=None, poll=PollTimes.embedded())
