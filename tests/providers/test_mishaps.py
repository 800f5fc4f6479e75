"""Below HTTP: which step of a connection failed, whatever the transport wraps around it, and what usually mends it."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from providers.base.failures import CallContext
from providers.base.mishaps import connection_error, failed_step, timeout_error

CONTEXT = CallContext("lab", "m", ("test-key-alpha",))
URL = "https://lab.test:8443/v1"


def caused_by(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


class BesideError(Exception):
    """As aiohttp's connector errors do."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__("can't connect")
        self.os_error = os_error


@pytest.mark.parametrize(
    ("error", "step"),
    [
        pytest.param(httpx.UnsupportedProtocol("no such scheme"), "address", id="scheme"),
        pytest.param(caused_by(httpx.ConnectError("x"), ssl.SSLError("bad record")), "tls", id="ssl"),
        pytest.param(caused_by(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")), "dns", id="gaierror"),
        pytest.param(caused_by(httpx.ConnectError("x"), ConnectionRefusedError(111, "refused")), "refused", id="refused"),
        pytest.param(caused_by(httpx.ConnectError("x"), BesideError(socket.gaierror(-2, "?"))), "dns", id="kept beside"),
        pytest.param(httpx.ReadError("reset by peer"), "cut", id="cut"),
        pytest.param(httpx.ConnectError("certificate verify failed"), "tls", id="words of TLS"),
        pytest.param(httpx.ConnectError("getaddrinfo failed"), "dns", id="words of DNS"),
        pytest.param(httpx.ConnectError("All connection attempts failed"), "refused", id="words of nothing"),
    ],
)  # fmt: skip
def test_the_step_that_failed_is_found_behind_the_transports_words(error: Exception, step: str):
    found = connection_error(error, CONTEXT, url=URL)

    assert (found.code, found.provider, found.model) == (step, "lab", "m")
    assert found.retryable is (step in ("refused", "cut", "dns"))


def test_errors_that_cause_each_other_are_looked_at_once():
    first, second = httpx.ConnectError("a"), OSError("b")
    first.__cause__, second.__context__ = second, first

    assert failed_step(first) == "refused"


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("http://127.0.0.1:1/v1", ConnectionRefusedError(), "In a container, 127.0.0.1 is the container itself"),
        ("http://localhost:1/v1", ConnectionRefusedError(), "In a container, localhost is the container itself"),
        ("http://lab.test/v1", ConnectionRefusedError(), "Check that the server runs, and the port."),
        ("http://lab.test/v1", socket.gaierror(), "Check the spelling"),
        ("https://lab.test/v1", ssl.SSLError("self-signed"), "A server without TLS needs http://"),
    ],
)
def test_the_message_says_what_usually_mends_it(url: str, error: OSError, words: str):
    assert words in connection_error(caused_by(httpx.ConnectError(""), error), CONTEXT, url=url).message


def test_a_failure_without_words_is_named_by_its_kind_and_holds_no_key():
    assert "ReadError" in connection_error(httpx.ReadError(""), CONTEXT, url=URL).message
    assert "test-key-alpha" not in connection_error(httpx.ReadError("test-key-alpha"), CONTEXT, url=URL).message


def test_waiting_for_a_connection_is_told_from_waiting_for_an_answer():
    connecting = timeout_error(httpx.ConnectTimeout(""), CONTEXT, wait_s=2)
    reading = timeout_error(None, CONTEXT, wait_s=60)

    assert (connecting.code, reading.code) == ("connect_timeout", "read_timeout")
    assert "A firewall may drop the packets" in connecting.message
    assert reading.message == "No answer from the provider within 60 s."
