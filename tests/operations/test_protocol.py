"""What a stranger may make the server keep: a head without end is refused, a large body after a short head is not."""

from __future__ import annotations

import socket

import httpx

from llmadmin.operations.protocol import MAX_HEAD_BYTES
from tests.live.server import ServerProcess


def _answer_to(server: ServerProcess, start: bytes, piece: bytes, *, pieces: int) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        try:
            connection.sendall(start)
            for _ in range(pieces):
                connection.sendall(piece)
        except OSError:
            return b"closed"
        try:
            return connection.recv(200)
        except ConnectionResetError:
            return b"closed"


def test_a_head_without_end_is_refused_and_a_large_body_is_not() -> None:
    piece = b"a" * 32_768
    pieces = 2 * MAX_HEAD_BYTES // len(piece)
    with ServerProcess() as server:
        for start in (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ", b"GET /healthz?"):
            answer = _answer_to(server, start, piece, pieces=pieces)
            assert answer == b"closed" or answer.startswith(b"HTTP/1.1 400")
        with httpx.Client(base_url=server.url, timeout=10) as client:
            for _ in range(2):
                assert client.post("/v1/chat/completions", content=b"x" * 2 * MAX_HEAD_BYTES).status_code == 401
            assert client.get("/healthz", headers={"X-A": "a" * 1000}).status_code == 200
