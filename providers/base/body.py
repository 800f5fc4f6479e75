"""An answer's bytes as they arrive. Compressed ones are opened piece by piece, and given up where they swell too much.

Requests ask for `identity`, but some servers compress all the same. Opened without bounds, a few megabytes of them would
fill the memory.
Source: https://www.rfc-editor.org/rfc/rfc9110#name-content-codings
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import httpx

from providers.transport import PieceStream

Read = Callable[[], Awaitable[bytes]]
"""Waits for the next bytes; empty ones are the end."""

OPENED_AT_ONCE_BYTES = 64 * 1024
UNSUSPICIOUS_BYTES = 1024 * 1024
MAX_SWELLING = 100
"""How often larger than what was received an opened body may be. JSON shrinks to a tenth, a bomb to a thousandth."""


class EncodingError(ValueError):
    """The answer is compressed in a way that isn't read here, wrongly, or far too much."""


def reader_of(response: httpx.Response) -> Read:
    """What reads the body of `response`. It raises httpx's exceptions, and `EncodingError` for what can't be opened."""
    stream = response.stream
    if isinstance(stream, PieceStream):
        read: Read = stream.read
    elif response.is_stream_consumed:
        return partial(anext, response.aiter_bytes(), b"")
    else:
        read = partial(anext, response.aiter_raw(), b"")
    if "content-encoding" not in response.headers:
        return read
    return _opened(read, response.headers["content-encoding"])


def _opened(read: Read, encoding: str) -> Read:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return read
    if name not in ("gzip", "x-gzip", "deflate"):
        raise EncodingError(f"it is compressed with {name!r}, though no compression was asked for")
    return partial(anext, _inflate(read, name), b"")


async def _inflate(read: Read, name: str) -> AsyncIterator[bytes]:
    received = swollen = 0
    piece = await read()
    inflater = zlib.decompressobj(_window_bits(name, piece))
    try:
        while piece:
            received += len(piece)
            is_opening = not inflater.eof  # whatever stands behind the end is passed over
            while is_opening:
                opened = inflater.decompress(piece, OPENED_AT_ONCE_BYTES)
                swollen += len(opened)
                if swollen > UNSUSPICIOUS_BYTES and swollen > received * MAX_SWELLING:
                    raise EncodingError(f"it is compressed, and opens to more than {MAX_SWELLING} times its size")
                if opened:
                    yield opened
                piece = inflater.unconsumed_tail
                is_opening = bool(piece) or len(opened) == OPENED_AT_ONCE_BYTES
            piece = await read()
    except zlib.error as error:
        raise EncodingError(f"it says to be compressed and is not: {error}") from error
    if received and not inflater.eof:
        raise httpx.RemoteProtocolError("the compressed answer ended before it was whole")


def _window_bits(name: str, start: bytes) -> int:
    """How zlib is told what it reads. Some servers send `deflate` without the header that it should have."""
    if name != "deflate":
        return zlib.MAX_WBITS | 16
    return zlib.MAX_WBITS if start[:1] and start[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
