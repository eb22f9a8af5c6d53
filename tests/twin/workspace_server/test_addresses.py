"""Which agent addresses the registry takes."""

import pytest

from e2e.twin.workspace_server.addresses import address_error


def resolver(host: str) -> list[str]:
    if host == "evil.example":
        return ["127.0.0.1"]
    if host == "good.example":
        return ["10.0.0.4"]
    raise OSError("Name or service not known")


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "https://good.example/x", "http://10.1.2.3:8000", "http://8.8.8.8"]
)
def test_good_addresses_pass(url: str) -> None:
    assert address_error(url, resolver) is None


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:8000", "url targets a blocked address: loopback address"),
        ("http://[::1]:8000", "url targets a blocked address: loopback address"),
        ("http://169.254.169.254", "url targets a blocked address: link-local address"),
        ("http://100.64.1.1", "url targets a blocked address: CGNAT address"),
        ("http://192.0.2.1", "url targets a blocked address: TEST-NET address"),
        ("http://evil.example", 'hostname "evil.example" resolves to forbidden address: loopback address'),
        (
            "http://gone.example",
            'hostname "gone.example" cannot be resolved (DNS error): Name or service not known',
        ),
    ],
)
def test_bad_addresses_are_named(url: str, error: str) -> None:
    assert address_error(url, resolver) == error


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://localhost:port", "http://[::1"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert str(address_error(url, resolver)).startswith("invalid URL")
