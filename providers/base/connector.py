"""HTTP for one provider: sends what `requests.py` builds, and names what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, TypeVar

import httpx

from providers import jsontext
from providers.base.body import EncodingError, reader_of
from providers.base.failures import USUAL_HABITS, CallContext, ErrorHabits, error_from_answer, unreadable_answer
from providers.base.metadata import ProviderMetadata
from providers.base.mishaps import connection_error, timeout_error
from providers.base.requests import RequestBuilder
from providers.base.streaming import LineTooLongError, StreamDecoder
from providers.config import LLMProviderConfig
from providers.errors import (
    LLMProviderError,
    LLMProviderServiceError,
)
from providers.limits import note_limits
from providers.transport import lease_transport, release_transport

Piece = TypeVar("Piece")

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 256 * 1024
STREAM_TIMEOUT_S = 900.0
"""How long one stream may last as a whole, where the option `stream_timeout_s` says nothing."""

DRAIN_TIMEOUT_S = 0.1


class BaseConnector(RequestBuilder):
    """Talks HTTP to one provider. One instance serves any number of calls at once.

    Without a `transport` the event loop's shared one is leased, and given back by `close()`.
    """

    metadata: ClassVar[ProviderMetadata]
    error_habits: ClassVar[ErrorHabits] = USUAL_HABITS

    def __init__(
        self,
        config: LLMProviderConfig,
        *,
        metadata: ProviderMetadata | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(config, metadata or self.metadata)
        self._given_transport = transport
        self._leased: tuple[asyncio.AbstractEventLoop, httpx.AsyncBaseTransport] | None = None

    async def request(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        model: str | None = None,
    ) -> Any:
        """Send one request and return the parsed JSON of its answer. Raises the error tree only."""
        request = self.build_request(method, path, data=data, api_key=api_key, headers=headers, timeout_s=timeout_s)
        payload, _ = await self.exchange(request, context=self.context(api_key, model), timeout_s=timeout_s)
        return payload

    async def exchange(
        self, request: httpx.Request, *, context: CallContext, timeout_s: float | None = None
    ) -> tuple[Any, httpx.Headers]:
        """Send a built request within `timeout_s` in all; the answer's JSON and headers."""
        wait_s = self.config.timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(wait_s):
                response = await self._send(request, context)
                try:
                    body = await self._read(response, context, MAX_ANSWER_BYTES)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise timeout_error(error, context, wait_s=wait_s) from error
        try:
            return jsontext.parse(body), response.headers
        except ValueError:
            start = body[:200].decode("utf-8", "replace").strip()
            said = f"It begins with: {start}" if start else "It is empty."
            raise LLMProviderServiceError(
                context.clean(f"The provider's answer is not JSON. {said}"),
                provider=context.provider, model=context.model, status=response.status_code, code="unreadable_answer",
            ) from None  # fmt: skip

    async def open_stream(
        self, request: httpx.Request, *, context: CallContext, timeout_s: float | None = None
    ) -> httpx.Response:
        """Send a built request and return once its headers are there; the caller closes the response."""
        wait_s = self.config.timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(wait_s):
                return await self._send(request, context)
        except TimeoutError as error:
            raise timeout_error(error, context, wait_s=wait_s) from error

    async def read_pieces(
        self, response: httpx.Response, decoder: StreamDecoder[Piece], *, context: CallContext
    ) -> AsyncIterator[list[Piece]]:
        """What `decoder` makes of a stream's bytes, in the batches that the network delivers.

        Each wait is bounded by the transport, the whole by the option `stream_timeout_s`.
        """
        limit_s = float(self.config.options.get("stream_timeout_s") or STREAM_TIMEOUT_S)
        ends_at = time.monotonic() + limit_s
        feed, clock = decoder.feed, time.monotonic
        try:
            read = reader_of(response)
            while piece := await read():
                if clock() > ends_at:
                    raise timeout_error(None, context, wait_s=limit_s)
                if found := feed(piece):
                    yield found
            if found := decoder.close():
                yield found
        except (LineTooLongError, EncodingError) as error:
            raise unreadable_answer(str(error), context) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise timeout_error(error, context, wait_s=_wait_of(response.request, error)) from error
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise connection_error(error, context, url=str(response.request.url)) from error

    @staticmethod
    async def drain(pieces: AsyncIterator[object]) -> None:
        """Take in what follows the end marker, so that the connection can be used again; a little while at most."""
        with contextlib.suppress(TimeoutError, LLMProviderError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                async for _ in pieces:
                    pass

    async def _send(self, request: httpx.Request, context: CallContext) -> httpx.Response:
        """The response once its headers are there; anything but 2xx is read and raised."""
        try:
            response = await self._transport().handle_async_request(request)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise timeout_error(error, context, wait_s=_wait_of(request, error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise connection_error(error, context, url=str(request.url)) from error
        response.request = request
        if 200 <= response.status_code < 300:
            note_limits(response.headers.raw)
            return response
        try:
            raise await self._failure(response, context)
        finally:
            await response.aclose()

    async def _failure(self, response: httpx.Response, context: CallContext) -> LLMProviderError:
        body = await self._read(response, context, MAX_ERROR_BYTES, is_cut_short=True)
        return error_from_answer(response.status_code, response.headers, body, context=context)

    async def _read(
        self, response: httpx.Response, context: CallContext, max_bytes: int, *, is_cut_short: bool = False
    ) -> bytes:
        """The whole body; beyond `max_bytes` it is cut short where that will do, else an error."""
        parts: list[bytes] = []
        size = 0
        try:
            read = reader_of(response)
            while piece := await read():
                parts.append(piece)
                size += len(piece)
                if size > max_bytes:
                    if is_cut_short:
                        break
                    raise LLMProviderServiceError(
                        f"The provider's answer is larger than {max_bytes} bytes.", provider=context.provider,
                        model=context.model, status=response.status_code, code="answer_too_large", retryable=False,
                    )  # fmt: skip
        except EncodingError as error:
            if not is_cut_short:  # of a failure, the status says enough
                raise unreadable_answer(str(error), context) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise timeout_error(error, context, wait_s=_wait_of(response.request, error)) from error
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise connection_error(error, context, url=str(response.request.url)) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def context(self, api_key: str | None, model: str | None) -> CallContext:
        secrets = tuple(key for key in (api_key, self.config.api_key) if key)
        return CallContext(self.name, model, secrets, self.error_habits)

    # The transport

    def _transport(self) -> httpx.AsyncBaseTransport:
        if self._given_transport is not None:
            return self._given_transport
        loop = asyncio.get_running_loop()
        if self._leased is None or self._leased[0] is not loop:
            self._leased = (loop, lease_transport(self))
        return self._leased[1]

    async def close(self) -> None:
        """Give the shared transport back; a transport that was passed in stays its owner's."""
        self._leased = None
        await release_transport(self)


def _wait_of(request: httpx.Request, error: Exception) -> float:
    waits = request.extensions.get("timeout", {})
    return float(waits.get("connect" if isinstance(error, httpx.ConnectTimeout) else "read") or 0)
