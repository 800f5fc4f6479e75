"""The provider layer by itself, beside `httpx.AsyncClient` over httpx-aiohttp doing the same exchange.

`python -m benchmarks.layer URL layer|client|flat CALLS CONNECTIONS plain|stream` prints `{"cpu_s": …, "memory_mb": […]}`:
the CPU time of this process alone, start-up and warm-up left out, and its memory before and after. Both sides run on
uvloop, send the same body, parse every event with orjson and read the same of the answer: its text, its finish reason
and its usage. What only the layer does (headers checked, retries, error classes, chunks as objects, the address policy)
counts against it. `flat` is the layer with all its streams at once, again and again.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import orjson
import uvloop

from providers import ChatRequest, create_provider

_PROMPT = "Please tell me something of the usual length about the usual things. " * 4
_MESSAGES = [{"role": "user", "content": _PROMPT}]
_KEY = "test-key-alpha-bench"

Exchange = Callable[[], Awaitable[int]]
"""One call; the answer's output tokens."""
Close = Callable[[], Awaitable[None]]


def layer_exchanges(url: str) -> tuple[Exchange, Exchange, Close]:
    provider = create_provider("local", api_key=_KEY, base_url=f"{url}/v1", max_retries=0)
    request = ChatRequest(model="bench-1", messages=_MESSAGES, max_tokens=400)

    async def plain() -> int:
        response = await provider.chat_completion(request)
        assert response.text
        assert response.finish_reason
        return response.usage.output_tokens if response.usage else 0

    async def stream() -> int:
        tokens, text, reason = 0, [], None
        async for chunk in provider.chat_completion_stream(request):
            text.append(chunk.text)
            reason = chunk.finish_reason or reason
            if chunk.usage is not None:
                tokens = chunk.usage.output_tokens
        assert "".join(text)
        assert reason
        return tokens

    return plain, stream, provider.shutdown


def client_exchanges(url: str) -> tuple[Exchange, Exchange, Close]:
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=1100, max_keepalive_connections=1100)
    client = httpx.AsyncClient(
        transport=AiohttpTransport(limits=limits, trust_env=False), timeout=60.0, trust_env=False
    )
    headers = {"authorization": f"Bearer {_KEY}"}
    address = f"{url}/v1/chat/completions"
    body = {"model": "bench-1", "messages": _MESSAGES, "max_tokens": 400}

    async def plain() -> int:
        answer = await client.post(address, json=body, headers=headers)
        answer.raise_for_status()
        found = orjson.loads(answer.content)
        choice = found["choices"][0]
        assert choice["message"]["content"]
        assert choice["finish_reason"]
        return int(found["usage"]["completion_tokens"])

    async def stream() -> int:
        tokens, text, reason = 0, [], None
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        async with client.stream("POST", address, json=asked, headers=headers) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                chunk = orjson.loads(line[6:])
                if chunk["choices"]:
                    choice = chunk["choices"][0]
                    text.append(choice["delta"].get("content") or "")
                    reason = choice["finish_reason"] or reason
                if chunk["usage"]:
                    tokens = chunk["usage"]["completion_tokens"]
        assert "".join(text)
        assert reason
        return tokens

    return plain, stream, client.aclose


async def run(exchange: Exchange, calls: int, connections: int) -> None:
    left = calls

    async def keep_busy() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            if await exchange() != 120:
                raise RuntimeError("The answer's usage was not read.")

    await asyncio.gather(*(keep_busy() for _ in range(connections)))


async def measure(url: str, side: str, calls: int, connections: int, *, is_stream: bool) -> dict[str, object]:
    plain, stream, close = client_exchanges(url) if side == "client" else layer_exchanges(url)
    exchange = stream if is_stream else plain
    await run(exchange, max(connections, calls // 10), connections)
    memory = [memory_mb()]
    before = time.process_time()
    for _ in range(5 if side == "flat" else 1):
        await run(exchange, calls, connections)
        memory.append(memory_mb())
    spent_s = time.process_time() - before
    await close()
    return {"cpu_s": spent_s, "memory_mb": memory}


def memory_mb() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    url, side, calls, connections, kind = sys.argv[1:]
    print(json.dumps(uvloop.run(measure(url, side, int(calls), int(connections), is_stream=kind == "stream"))))


if __name__ == "__main__":
    main()
