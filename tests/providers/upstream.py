"""A real HTTP server on loopback that plays providers. Each `Upstream` is one provider at its own path of one server."""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What the server says to one request. `pieces` go out one by one, each flushed; `cut` drops the connection after."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Iterable[bytes] | None = None
    cut: bool = False
    wait_before: threading.Event | None = None
    """Set it to let the answer begin."""


@dataclass
class Seen:
    """One request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Upstream:
    """One provider's worth of the server: the answers it will give, the requests it has seen."""

    def __init__(self, origin: str, name: str) -> None:
        self.origin = origin
        self.prefix = f"/{name}"
        self.base_url = f"{origin}{self.prefix}"
        self.seen: list[Seen] = []
        self.hung_up = threading.Event()
        """The caller closed the connection while an answer was being sent."""
        self._answers: deque[Answer] = deque()
        self._last = Answer(500, body=b"no answer was planned")

    def answer(self, status: int = 200, body: Any = b"", **fields: Any) -> None:
        """Plan the next answer; the last one planned is repeated. A dict is sent as JSON."""
        if isinstance(body, (dict, list)):
            fields.setdefault("headers", {"content-type": "application/json"})
            body = json.dumps(body).encode()
        elif isinstance(body, str):
            body = body.encode()
        self._answers.append(Answer(status, body=body, **fields))

    def stream(self, *events: Any, done: bool = True, **fields: Any) -> None:
        """Plan a stream of server-sent events, one piece for each."""
        pieces = [
            b"data: " + (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n\n"
            for event in events
        ]
        if done:
            pieces.append(b"data: [DONE]\n\n")
        self.answer(headers={"content-type": "text/event-stream"}, pieces=pieces, **fields)

    def next_answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        if self._answers:
            self._last = self._answers.popleft()
        return self._last


class UpstreamServer:
    """The server behind all `Upstream`s of a test session."""

    def __init__(self) -> None:
        self._upstreams: dict[str, Upstream] = {}
        self._numbers = itertools.count(1)
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server.serve(self)

            def do_GET(self) -> None:
                server.serve(self)

            def log_message(self, *args: Any) -> None:
                """The tests read what was asked from `Upstream.seen`."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A caller that hangs up is what some tests are about; nothing to print."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def new(self) -> Upstream:
        upstream = Upstream(self.origin, f"u{next(self._numbers)}")
        self._upstreams[upstream.prefix] = upstream
        return upstream

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        prefix, _, rest = handler.path[1:].partition("/")
        upstream = self._upstreams[f"/{prefix}"]
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        answer = upstream.next_answer(Seen(handler.command, f"/{rest}", headers, body))
        if answer.wait_before is not None:
            answer.wait_before.wait(timeout=20)
        try:
            _send(handler, answer)
        except (BrokenPipeError, ConnectionResetError):
            upstream.hung_up.set()
            handler.close_connection = True


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
            handler.send_header(name, value)
    if answer.pieces is None:
        handler.send_header("content-length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)
        return
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for piece in answer.pieces:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.flush()
    if answer.cut:
        handler.close_connection = True
    else:
        handler.wfile.write(b"0\r\n\r\n")
