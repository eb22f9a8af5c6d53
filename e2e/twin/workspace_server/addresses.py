"""Which agent addresses the registry takes (docs/platform.md, register: URL validation).

A tenant of the twin is in SaaS mode, like staging: private networks are allowed, since agents have hosts of their own.
"""

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

Resolver = Callable[[str], list[str]]

_NAMED_RANGES = (
    ("loopback address", ("127.0.0.0/8", "::1/128")),
    ("link-local address", ("169.254.0.0/16", "fe80::/10")),
    ("TEST-NET address", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")),
    ("CGNAT address", ("100.64.0.0/10",)),
    ("multicast address", ("224.0.0.0/4", "ff00::/8")),
)
_BLOCKED = tuple((name, ipaddress.ip_network(network)) for name, networks in _NAMED_RANGES for network in networks)


def resolve(host: str) -> list[str]:
    """Return the addresses of a host name.

    Raises:
        OSError: the name does not resolve.
    """
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def address_error(url: str, resolver: Resolver = resolve) -> str | None:
    """Say why an agent must not be reached at ``url``, or None. ``localhost`` is allowed by name, 127.0.0.1 is not."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        return f"invalid URL: {error}"
    if parts.scheme not in ("http", "https") or not host:
        return f"invalid URL: scheme must be http or https and a host is required ({parts.scheme or 'no scheme'})"
    if host == "localhost":
        return None
    blocked = _blocked(host)
    if blocked is not None:
        return f"url targets a blocked address: {blocked}"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _name_error(host, resolver)
    return None


def _name_error(host: str, resolver: Resolver) -> str | None:
    try:
        addresses = resolver(host)
    except OSError as error:
        return f'hostname "{host}" cannot be resolved (DNS error): {error}'
    for address in addresses:
        blocked = _blocked(address)
        if blocked is not None:
            return f'hostname "{host}" resolves to forbidden address: {blocked}'
    return None


def _blocked(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return next((name for name, network in _BLOCKED if address in network), None)
