"""A stream that is opened again after a retryable error, for as long as nothing of it has come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

from providers.retry import RetryPolicy, with_retry
from providers.types import ChatChunk


class RetriedStream(AsyncIterator[ChatChunk]):
    """The chunks of the stream that `start` gives. Closing it, or letting go of it, closes the connection to the vendor.

    A class and no generator: once the first chunk is there, the next ones come straight from the stream beneath.
    """

    def __init__(self, start: Callable[[], AsyncIterator[ChatChunk]], policy: RetryPolicy) -> None:
        self._start = start
        self._policy = policy
        self._chunks: AsyncIterator[ChatChunk] | None = None
        self._is_closed = False

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[ChatChunk]:
        return self._open() if self._chunks is None else self._chunks.__anext__()

    async def aclose(self) -> None:
        self._is_closed = True
        close: Any = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()

    async def _open(self) -> ChatChunk:
        """The first chunk. A stream that could not be opened stays over."""
        if self._is_closed:
            raise StopAsyncIteration
        self._is_closed = True

        async def open_one() -> tuple[AsyncIterator[ChatChunk], ChatChunk | None]:
            chunks = self._start()
            return chunks, await anext(chunks, None)

        self._chunks, first = await with_retry(open_one, policy=self._policy)
        if first is None:
            raise StopAsyncIteration
        return first
