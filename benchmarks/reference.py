"""The fixed reference: a raw ASGI pass-through on aiohttp that does nothing else. No key, no record, no price."""

from __future__ import annotations

import os

import aiohttp

from llmadmin.core.exchange import Receive, Scope, Send

_UPSTREAM = os.environ.get("UPSTREAM", "") + "/v1/chat/completions"
_HEADERS = {"content-type": "application/json"}
_session: aiohttp.ClientSession | None = None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    global _session  # noqa: PLW0603 - one session for the process, as the comparison wants it
    if scope["type"] != "http":
        return
    if _session is None:
        _session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1000), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
    event = await receive()
    async with _session.post(_UPSTREAM, data=event["body"], headers=_HEADERS) as answer:
        kind = answer.headers["content-type"].encode()
        if kind == b"application/json":
            body = await answer.read()
            headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": [(b"content-type", kind)]})
        async for piece in answer.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
