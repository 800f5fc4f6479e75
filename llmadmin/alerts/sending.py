"""One POST to somebody else's server: checked addresses only, no redirects, a bounded answer, a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from django.conf import settings

from providers.addresses import AddressPolicy
from providers.transport import create_transport, find_refusal

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Result:
    """What came back: the status, None where there was no answer, and its first words or what went wrong."""

    status: int | None
    words: str

    @property
    def was_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> Result:
    """Never raises for what the other side does."""
    return asyncio.run(_post(url, body, headers))


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> Result:
    transport = create_transport(AddressPolicy(allow_private=settings.ALLOW_PRIVATE_ADDRESSES))
    request = httpx.Request(
        "POST",
        url,
        content=body,
        headers={"content-type": "application/json", "user-agent": "llmadmin-webhooks", **headers},
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_S)},
    )
    try:
        async with asyncio.timeout(TIMEOUT_S), transport:
            response = await transport.handle_async_request(request)
            try:
                return Result(response.status_code, await _beginning(response))
            finally:
                await response.aclose()
    except TimeoutError:
        return Result(None, f"No answer within {TIMEOUT_S:.0f} s.")
    except Exception as problem:  # noqa: BLE001 - whatever the other side or the way there does, the message is tried again
        refusal = find_refusal(problem)
        return Result(None, str(refusal) if refusal else f"{type(problem).__name__}: {problem}")


async def _beginning(response: httpx.Response) -> str:
    seen = b""
    async for chunk in response.aiter_raw():
        seen += chunk
        if len(seen) >= MAX_ANSWER_BYTES:
            break
    text = seen[:MAX_ANSWER_BYTES].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
