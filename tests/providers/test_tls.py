"""TLS with a certificate of the test's own: names are checked, also where the address was looked up beforehand."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers import AddressPolicy, ChatRequest, LLMProviderConnectionError, create_provider
from providers.aiohttp_transport import AiohttpTransport
from providers.http1_transport import Http1Transport
from providers.httpx_transport import PinnedTransport
from providers.transport import tls_context

REQUEST = ChatRequest(model="m", messages=[])
PONG = json.dumps({"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}).encode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for `localhost` and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


class Pong(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(PONG)))
        self.end_headers()
        self.wfile.write(PONG)

    def log_message(self, *args: object) -> None:
        """The test looks at the answer alone."""


NAMES_HEARD: list[str | None] = []
"""What the callers' handshakes asked for (SNI), one entry for each connection."""


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that the caller breaks off is what a test is about."""


@pytest.fixture(scope="module")
def port(certificate: Path) -> Iterator[int]:
    server = QuietServer(("127.0.0.1", 0), Pong)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: NAMES_HEARD.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(params=[Http1Transport, AiohttpTransport, PinnedTransport])
async def transport(request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_context.cache_clear()
    made = request.param(AddressPolicy(allow_private=True))
    yield made
    await made.aclose()
    tls_context.cache_clear()


async def test_a_certificate_of_ones_own_is_trusted_through_the_environment(transport, port: int):
    provider = create_provider("local", base_url=f"https://localhost:{port}/v1", transport=transport, max_retries=0)

    response = await provider.chat_completion(REQUEST)

    assert response.text == "pong"


async def test_the_server_is_called_by_its_name_and_its_connection_kept(transport, port: int):
    provider = create_provider("local", base_url=f"https://localhost:{port}/v1", transport=transport, max_retries=0)
    NAMES_HEARD.clear()

    texts = [(await provider.chat_completion(REQUEST)).text for _ in range(3)]

    assert texts == ["pong"] * 3
    assert NAMES_HEARD == ["localhost"]


async def test_a_certificate_for_another_name_is_refused(transport, port: int):
    provider = create_provider("local", base_url=f"https://127.0.0.1:{port}/v1", transport=transport, max_retries=0)

    with pytest.raises(LLMProviderConnectionError) as caught:
        await provider.chat_completion(REQUEST)

    assert (caught.value.code, caught.value.retryable) == ("tls", False)


async def test_an_unknown_authority_is_refused(transport, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    tls_context.cache_clear()
    stranger = type(transport)(AddressPolicy(allow_private=True))
    provider = create_provider("local", base_url=f"https://localhost:{port}/v1", transport=stranger, max_retries=0)

    with pytest.raises(LLMProviderConnectionError) as caught:
        await provider.chat_completion(REQUEST)

    await stranger.aclose()
    assert caught.value.code == "tls"
    assert "SSL_CERT_FILE" in caught.value.message
