"""Hands the same AWS clients to every run of a process that talks to the same place as the same caller."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.polling import PollTimes

_Key: TypeAlias = tuple[str, str | None, AwsCredentials | None]


@dataclass
class _Shared:
    clients: AwsClients
    lessees: int = 0


class Lease:
    """The clients of some regions, for one run: a context that gives them back at its end.

    The last lessee's end closes their connections.
    """

    def __init__(self, pool: "ClientPool", keys: Sequence[_Key], clients: Sequence[AwsClients]) -> None:
        self.clients = tuple(clients)
        self._pool = pool
        self._keys = tuple(keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        keys, self._keys = self._keys, ()
        self._pool.give_back(keys)


class ClientPool:
    """One :class:`AwsClients` for each region, endpoint and caller, with its limiter and polling loop. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[_Key, _Shared] = {}

    def lease(
        self,
        regions: Sequence[str],
        *,
        endpoint_url: str | None,
        credentials: AwsCredentials | None,
        poll: PollTimes,
    ) -> Lease:
        """Return the clients of ``regions``, each once; the ``poll`` times of the first lessee hold for all.

        Raises:
            EndpointRefused: an endpoint of our own without credentials of its own.
        """
        keys = [(region, endpoint_url, credentials) for region in dict.fromkeys(regions)]
        with self._lock:
            for key in keys:
                if key not in self._shared:
                    made = AwsClients(region=key[0], endpoint_url=endpoint_url, credentials=credentials, poll=poll)
                    self._shared[key] = _Shared(made)
            for key in keys:
                self._shared[key].lessees += 1
            return Lease(self, keys, [self._shared[key].clients for key in keys])

    def give_back(self, keys: Sequence[_Key]) -> None:
        """Count one lessee less for each key: what the end of a :class:`Lease` does."""
        unused = []
        with self._lock:
            for key in keys:
                shared = self._shared[key]
                shared.lessees -= 1
                if shared.lessees == 0:
                    unused.append(self._shared.pop(key).clients)
        for clients in unused:
            clients.close()
