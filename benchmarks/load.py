"""The caller of the benchmarks: keeps a number of connections busy until enough calls were made, then says how it went.

`python -m benchmarks.load HOST:PORT KEY MODEL CALLS CONNECTIONS plain|stream` prints `{"failed": …, "seconds": …}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

_PROMPT = "Please tell me something of the usual length about the usual things. " * 4


class Caller(asyncio.Protocol):
    """One connection that sends the next request as soon as the answer before is complete."""

    def __init__(self, request: bytes, budget: list[int], done: asyncio.Future[None]) -> None:
        self._request = request
        self._budget = budget
        self._done = done
        self._buffer = bytearray()
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, so a check at run time would refuse them.
        self._transport = cast("asyncio.Transport", transport)
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._is_complete():
            if not self._buffer.startswith(b"HTTP/1.1 200") or b'"error"' in self._buffer:
                self.failed += 1
            self._buffer.clear()
            self._send_next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._done.done():
            self.failed += 1
            self._done.set_result(None)

    def _send_next(self) -> None:
        if self._budget[0] <= 0:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._budget[0] -= 1
        self._transport.write(self._request)

    def _is_complete(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length: ")
        if at < 0:
            return self._buffer.endswith(b"0\r\n\r\n")
        length = int(head[at + 16 :].split(b"\r\n", 1)[0])
        return len(self._buffer) >= end + 4 + length


async def run(address: str, key: str, model: str, calls: int, connections: int, *, is_stream: bool) -> dict[str, float]:
    host, _, port = address.partition(":")
    body = json.dumps(
        {"model": model, "messages": [{"role": "user", "content": _PROMPT}], "stream": is_stream, "max_tokens": 400},
        separators=(",", ":"),
    ).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    loop = asyncio.get_running_loop()
    budget = [calls]
    started = time.perf_counter()
    callers: list[Caller] = []
    waits = []
    for _ in range(min(connections, calls)):
        done: asyncio.Future[None] = loop.create_future()
        _, caller = await loop.create_connection(lambda done=done: Caller(request, budget, done), host, int(port))
        callers.append(caller)
        waits.append(done)
    await asyncio.gather(*waits)
    return {"failed": sum(caller.failed for caller in callers), "seconds": time.perf_counter() - started}


def main() -> None:
    address, key, model, calls, connections, kind = sys.argv[1:]
    outcome = uvloop.run(run(address, key, model, int(calls), int(connections), is_stream=kind == "stream"))
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
