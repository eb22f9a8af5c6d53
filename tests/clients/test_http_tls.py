"""A host that cannot prove who it is gets nothing from us, least of all a token."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from e2e.clients.errors import Unavailable
from e2e.clients.tenant import Tenant, TenantAddress
from e2e.evidence.masking import Secret


@dataclass
class TlsServer:
    """A server that shows a certificate and keeps whatever comes after the handshake."""

    port: int
    received: list[bytes] = field(default_factory=list)
    handshakes: list[str] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    """A server whose certificate nobody signed, and which is valid only from tomorrow on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(tomorrow)
        .not_valid_after(tomorrow + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))
    seen = TlsServer(listener.getsockname()[1])

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    seen.received.append(wrapped.recv(65536))
            except (OSError, ssl.SSLError) as error:
                seen.handshakes.append(str(error))

    thread = threading.Thread(target=serve)
    thread.start()
    yield seen
    listener.close()
    thread.join()


def test_no_token_is_sent_before_the_certificate_is_good(server: TlsServer) -> None:
    address = TenantAddress(f"https://127.0.0.1:{server.port}", "staging.invalid")
    tenant = Tenant(address, "e2e-x", "org", Secret("tenant-token-0123456789"), timeout=5.0)
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED") as refused:
        tenant.health()
    tenant.close()
    assert refused.value.cause == "tenant-half-wired"
    assert b"".join(server.received) == b""
