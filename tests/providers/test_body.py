"""Compressed answers: read where they are honest, given up where they would fill the memory."""

from __future__ import annotations

import gzip
import itertools
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import (
    ChatRequest,
    LLMProviderAuthenticationError,
    LLMProviderConnectionError,
    LLMProviderServiceError,
    create_provider,
)
from providers.base.body import reader_of
from providers.transport import PieceStream

REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
PONG = json.dumps({"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}).encode()
STREAM = b'data: {"choices": [{"index": 0, "delta": {"content": "pong"}}]}\n\ndata: [DONE]\n\n'
BOMB_BYTES = 100_000_000


def deflated(text: bytes) -> bytes:
    return zlib.compress(text)


def deflated_without_header(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush()


def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(BOMB_BYTES // 1_000_000)) + packer.flush()


class Pieces(PieceStream):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter([piece for piece in pieces if piece])

    async def read(self) -> bytes:
        return next(self._pieces, b"")


class PlainPieces(httpx.AsyncByteStream):
    """A body of some other transport."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Canned(httpx.AsyncBaseTransport):
    def __init__(self, pieces: list[bytes], encoding: str, *, status: int = 200, kind: type = Pieces) -> None:
        self.pieces, self.encoding, self.status, self.kind = pieces, encoding, status, kind

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {"content-encoding": self.encoding} if self.encoding else {}
        return httpx.Response(self.status, headers=headers, stream=self.kind(self.pieces))


def provider_with(pieces: list[bytes], encoding: str, **options: object):
    return create_provider(
        "local",
        base_url="http://upstream.test/v1",
        max_retries=0,
        transport=Canned(pieces, encoding, **options),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("kind", [Pieces, PlainPieces])
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", deflated),
        ("deflate", deflated_without_header),
        ("identity", bytes),
        ("", bytes),
    ],
    ids=["gzip", "GZip", "x-gzip", "deflate", "deflate without its header", "identity", "none"],
)
async def test_an_answer_and_a_stream_are_read_whatever_they_are_packed_in(
    encoding: str, pack: Callable[[bytes], bytes], kind: type
):
    response = await provider_with([pack(PONG)], encoding, kind=kind).chat_completion(REQUEST)
    chunks = [
        chunk async for chunk in provider_with([pack(STREAM)], encoding, kind=kind).chat_completion_stream(REQUEST)
    ]

    assert response.text == "pong"
    assert "".join(chunk.text for chunk in chunks) == "pong"


@given(st.binary(max_size=200), st.lists(st.integers(0, 250), max_size=6), st.sampled_from([1, 700]))
async def test_where_the_packed_bytes_are_cut_makes_no_difference(text: bytes, places: list[int], times: int):
    text *= times
    packed = gzip.compress(text) + b"what stands behind the end"
    edges = [0, *sorted(place % (len(packed) + 1) for place in places), len(packed)]
    stream = Pieces(packed[start:end] for start, end in itertools.pairwise(edges))

    read = reader_of(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=stream))
    opened = []
    while piece := await read():
        opened.append(piece)

    assert b"".join(opened) == text
    assert await read() == b""


async def test_what_is_packed_in_a_stream_is_read_as_it_comes():
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "po"}}]}\n\n'
    first = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
    asked: list[str] = []

    class Slow(Pieces):
        async def read(self) -> bytes:
            piece = await super().read()
            asked.append("more" if piece else "end")
            return piece

    rest = packer.compress(STREAM) + packer.flush()
    chunks = provider_with([first, rest], "gzip", kind=Slow).chat_completion_stream(REQUEST)

    assert (await anext(chunks)).text == "po"
    assert asked == ["more"]
    await chunks.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("is_stream", [False, True], ids=["answer", "stream"])
async def test_g25_a_bomb_is_given_up_before_it_fills_the_memory(is_stream: bool, status: int):
    packed = bomb()
    provider = provider_with([packed], "gzip", status=status)
    tracemalloc.start()
    try:
        call = anext(provider.chat_completion_stream(REQUEST)) if is_stream else provider.chat_completion(REQUEST)
        with pytest.raises(LLMProviderServiceError) as caught:
            await call
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(packed) * 100 < BOMB_BYTES
    assert peak < BOMB_BYTES / 5
    if status == 200:
        assert caught.value.code == "unreadable_answer"
        assert "100 times its size" in caught.value.message


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("br", b"\x8b\x01\x80pong\x03", "'br', though no compression was asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(PONG)), "'gzip, gzip', though"),
        ("gzip", PONG, "says to be compressed and is not"),
        ("deflate", PONG, "says to be compressed and is not"),
    ],
    ids=["another kind", "twice", "no gzip", "no deflate"],
)
async def test_what_can_not_be_opened_is_said(encoding: str, body: bytes, said: str):
    with pytest.raises(LLMProviderServiceError, match=said) as caught:
        await provider_with([body], encoding).chat_completion(REQUEST)

    assert caught.value.code == "unreadable_answer"


async def test_a_failure_that_can_not_be_opened_keeps_its_status():
    with pytest.raises(LLMProviderAuthenticationError) as caught:
        await provider_with([b"pong"], "br", status=401).chat_completion(REQUEST)

    assert caught.value.status == 401


async def test_g20_a_packed_stream_that_is_cut_is_no_clean_end():
    packed = gzip.compress(STREAM)

    for length in range(1, len(packed)):
        with pytest.raises(LLMProviderConnectionError) as caught:
            await provider_with([packed[:length]], "gzip").chat_completion(REQUEST)
        assert caught.value.code == "cut"


async def test_g25_what_stands_behind_the_end_is_not_kept():
    junk = (bytes(100_000) for _ in range(200))

    class Endless(Pieces):
        async def read(self) -> bytes:
            return await super().read() or next(junk, b"")

    tracemalloc.start()
    try:
        response = await provider_with([gzip.compress(PONG)], "gzip", kind=Endless).chat_completion(REQUEST)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert response.text == "pong"
    assert peak < 5_000_000


async def test_an_empty_body_needs_no_opening():
    read = reader_of(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces([])))

    assert await read() == b""


async def test_a_response_that_is_read_already_is_read_again():
    read = reader_of(httpx.Response(200, content=b"pong"))

    assert (await read(), await read()) == (b"pong", b"")
