"""Streams cut into pieces anywhere give the same answer, and nothing that a server sends escapes the error tree."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers import ChatRequest, LLMProviderError, LLMProviderRateLimitError, LLMProviderServiceError, create_provider
from providers.base.streaming import LineTooLongError, NDJSONDecoder, ServerEvent, SSEDecoder
from providers.registry import get_registry
from tests.providers.recordings import load

REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
EVENTS = (
    'event: a\r\ndata: {"x":"é€😀"}\r\n\r\n: comment\n\ndata:one\rdata: two\r\rid: 7\nretry: 5\ndata: last'.encode()
)


class Bytes(httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


class Canned(httpx.AsyncBaseTransport):
    """Answers every request with the same pieces."""

    def __init__(self, pieces: list[bytes], *, status: int = 200) -> None:
        self.pieces, self.status = pieces, status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, stream=Bytes(self.pieces))


def provider_with(slug: str, pieces: list[bytes], *, status: int = 200):
    return create_provider(
        slug,
        api_key="test-key-alpha",
        base_url="http://upstream.test",
        transport=Canned(pieces, status=status),
        max_retries=0,
    )


def sse(*payloads: Any, done: bool = True) -> list[bytes]:
    lines = [
        f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode() for payload in payloads
    ]
    return [*lines, b"data: [DONE]\n\n"] if done else lines


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


async def read(slug: str, pieces: list[bytes]) -> list[Any]:
    return [chunk async for chunk in provider_with(slug, pieces).chat_completion_stream(REQUEST)]


def cut_at(text: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


# Decoders


def test_events_are_read_whatever_ends_their_lines():
    decoder = SSEDecoder()

    events = decoder.feed(EVENTS) + decoder.close()

    assert events == [
        ServerEvent("a", '{"x":"é€😀"}'.encode()),
        ServerEvent("", b"one\ntwo"),
        ServerEvent("", b"last"),
    ]


@given(st.lists(st.integers(0, 500), max_size=12))
def test_events_do_not_depend_on_where_the_bytes_are_cut(places: list[int]):
    whole, cut = SSEDecoder(), SSEDecoder()

    events = [event for piece in cut_at(EVENTS, places) for event in cut.feed(piece)] + cut.close()

    assert events == whole.feed(EVENTS) + whole.close()


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_bytes_decode_to_the_same_events_however_they_are_cut(text: bytes, places: list[int]):
    whole, cut = SSEDecoder(), SSEDecoder()
    lines, cut_lines = NDJSONDecoder(), NDJSONDecoder()

    events = [event for piece in cut_at(text, places) for event in cut.feed(piece)] + cut.close()
    found = [line for piece in cut_at(text, places) for line in cut_lines.feed(piece)] + cut_lines.close()

    assert events == whole.feed(text) + whole.close()
    assert cut.plain_body == whole.plain_body
    assert found == lines.feed(text) + lines.close()


PARTS = [b"data: ", b"data:", b"event: a", b"x", b"\n", b"\n\n", b"\r", b"\r\n", b": c", b"id: 1", b"\xef\xbb\xbf"]


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PARTS), max_size=40).map(b"".join), st.lists(st.integers(0, 120), max_size=8))
@example(b"x\n\ndata: x\r\n\ndata: x\n\n", [3])
@example(b"data: a\n\ndata: x\ndata: y\n\ndata: z\n\n", [9])
@example(b"data: a\n\ndata: x\revent: b\n\ndata: y\n\n", [9])
@example(b"data: a\n\ndata: x\n\n", [12, 16])
@example(b"data: a\n\nevent: b\ndata: x\n\n", [9, 18])
@example(b": c\n\ndata: x\n\nstray\n\n", [5, 14])
@example(b": c\n\ndata: x\n\ndata: y\n\nstray\n\n", [5, 23])
def test_events_that_come_whole_are_read_as_byte_by_byte(text: bytes, places: list[int]):
    cut, slow = SSEDecoder(), SSEDecoder()

    events = [event for piece in cut_at(text, places) for event in cut.feed(piece)] + cut.close()

    assert events == [event for at in range(len(text)) for event in slow.feed(text[at : at + 1])] + slow.close()
    assert cut.plain_body == slow.plain_body


def test_a_line_without_an_end_stops_at_a_limit():
    with pytest.raises(LineTooLongError):
        feed_often(SSEDecoder(max_line_bytes=1000), b"x" * 10)


def test_an_event_of_many_lines_stops_at_a_limit():
    with pytest.raises(LineTooLongError):
        feed_often(SSEDecoder(max_line_bytes=1000), b"data: 1234567890\n")


def feed_often(decoder: SSEDecoder, piece: bytes) -> None:
    for _ in range(200):
        decoder.feed(piece)


# Whole streams

STREAMS = [
    recording
    for recording in load()
    if recording.response["is_stream"] and recording.api.endswith((".chat", ".messages", "Content"))
]


@pytest.mark.parametrize("recording", [pytest.param(found, id=found.name) for found in STREAMS])
async def test_a_stream_gives_the_same_answer_byte_by_byte(recording):
    body = recording.response["body"].encode()

    assert await outcome(recording, [body[at : at + 1] for at in range(len(body))]) == await outcome(recording, [body])


async def outcome(recording, pieces: list[bytes]) -> tuple[list[Any], str]:
    seen = []
    try:
        async for chunk in provider_with(recording.slug, pieces).chat_completion_stream(recording.request()):
            seen.append((chunk.text, chunk.reasoning, chunk.tool_calls, chunk.finish_reason, chunk.usage))  # noqa: PERF401
    except LLMProviderError as error:
        return seen, error.message
    return seen, ""


@pytest.mark.parametrize("slug", get_registry().slugs())
@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "choices",
                            "delta",
                            "message",
                            "content",
                            "tool_calls",
                            "function",
                            "arguments",
                            "usage",
                            "error",
                            "type",
                            "index",
                            "finish_reason",
                            "content_block",
                            "prompt_tokens",
                            "done",
                            "id",
                            "code",
                            "data",
                            "models",
                            "candidates",
                            "parts",
                            "text",
                            "functionCall",
                            "finishReason",
                            "usageMetadata",
                            "promptFeedback",
                            "details",
                            "tokens",
                        ]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    st.booleans(),
    st.sampled_from([200, 200, 200, 400, 429, 500]),
)
@example(b'{"choices":[{"message":{"content":[{"type":"text","text":1}]}}]}', False, 200)
async def test_whatever_a_server_sends_stays_inside_the_error_tree(slug: str, body: bytes, is_event: bool, status: int):
    pieces = [b"data: " + body + b"\n\n"] if is_event else [body]
    provider = provider_with(slug, pieces, status=status)

    for call in (provider.chat_completion, provider.exchange_models):
        with contextlib.suppress(LLMProviderError):
            await (call(REQUEST) if call == provider.chat_completion else call())
    with contextlib.suppress(LLMProviderError):
        async for _ in provider.chat_completion_stream(REQUEST):
            pass


async def test_g20_a_stream_without_an_end_raises():
    with pytest.raises(LLMProviderServiceError) as caught:
        await read("openai", sse(delta(content="a"), done=False))

    assert caught.value.code == "stream_cut"


@pytest.mark.parametrize("slug", ["anthropic", "ollama", "google", "cohere"])
async def test_other_dialects_without_an_end_raise_too(slug: str):
    with pytest.raises(LLMProviderServiceError) as caught:
        await read(slug, [])

    assert caught.value.code == "stream_cut"


@pytest.mark.parametrize(
    ("slug", "pieces"),
    [
        ("openai", sse()),
        ("local", [b": comment\n\n"]),
        ("anthropic", sse({"type": "message_stop"}, done=False)),
        ("google", sse({"usageMetadata": {"promptTokenCount": 1}})),
        ("cohere", sse({"type": "message-start"})),
    ],
)
async def test_a_stream_that_holds_nothing_is_no_answer(slug: str, pieces: list[bytes]):
    with pytest.raises(LLMProviderServiceError) as caught:
        await read(slug, pieces)

    assert caught.value.code == "stream_cut"


async def test_an_event_named_error_is_an_error_whatever_it_holds():
    with pytest.raises(LLMProviderServiceError, match="Out of memory"):
        await read("local", [b'event: error\ndata: {"message": "Out of memory"}\n\n'])


async def test_a_stream_that_only_says_done_is_complete():
    chunks = await read("openai", sse(delta(content="a")))

    assert "".join(chunk.text for chunk in chunks) == "a"
    assert [chunk.finish_reason for chunk in chunks] == [None, "stop"]


async def test_an_error_inside_a_stream_is_raised_as_its_class():
    pieces = sse(delta(content="a"), {"error": {"code": 429, "message": "Slow down"}})

    with pytest.raises(LLMProviderRateLimitError, match="Slow down"):
        await read("openrouter", pieces)


async def test_an_answer_that_the_vendor_ends_with_an_error_is_raised():
    with pytest.raises(LLMProviderServiceError):
        await read("openrouter", sse(delta("error", content="")))


async def test_an_overload_after_200_keeps_its_status():
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

    with pytest.raises(LLMProviderServiceError) as caught:
        await read("anthropic", [event])

    assert (caught.value.status, caught.value.code) == (529, "overloaded_error")


async def test_one_body_instead_of_a_stream_is_taken_for_the_answer():
    body = {
        "choices": [{"index": 0, "message": {"content": "pong"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1},
    }

    chunks = await read("local", [json.dumps(body, indent=1).encode()])

    assert "".join(chunk.text for chunk in chunks) == "pong"
    assert chunks[-1].usage.input_tokens == 1


async def test_growing_usage_is_reported_once_and_last():
    pieces = sse(
        {**delta(content="a"), "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {**delta(content="b"), "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        delta("stop"),
    )

    chunks = await read("openai", pieces)

    assert [chunk.usage.total_output_tokens for chunk in chunks if chunk.usage] == [2]
    assert chunks[-1].usage is not None


async def test_a_finish_reason_that_is_repeated_is_reported_once():
    chunks = await read("openai", sse(delta("stop", content="a"), delta("stop")))

    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # Pieces without an index belong to their id, or to the last call.
        (
            [
                [{"id": "a", "function": {"name": "f", "arguments": '{"x"'}}],
                [{"id": "b", "function": {"name": "g", "arguments": ""}}],
                [{"id": "a", "function": {"arguments": ":1}"}}],
                [{"function": {"arguments": "{}"}}],
            ],
            {0: ("a", "f", '{"x":1}'), 1: ("b", "g", "{}")},
        ),
        # One index with a new id and a name starts a new call.
        (
            [
                [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}],
                [{"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}}],
            ],
            {0: ("a", "f", "{}"), 1: ("b", "f", "{}")},
        ),
        # Arguments as an object, an integer id, the id repeated in each piece, and a call that never gets arguments.
        (
            [
                [{"index": 0, "id": 7, "function": {"name": "f", "arguments": {"x": 1}}}],
                [{"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}],
                [{"index": 1, "id": "b", "function": {"name": "g", "arguments": None}}],
            ],
            {0: ("7", "f", '{"x":1}'), 1: ("b", "g", "{}")},
        ),
    ],
)
async def test_pieces_of_tool_calls_find_their_call(pieces, expected):
    chunks = await read("openai", sse(*[delta(tool_calls=calls) for calls in pieces], delta("tool_calls")))

    found: dict[int, list[str]] = {}
    for piece in (piece for chunk in chunks for piece in chunk.tool_calls):
        call = found.setdefault(piece.index, ["", "", ""])
        call[0] += piece.id or ""
        call[1] += piece.name or ""
        call[2] += piece.arguments
    assert {index: tuple(call) for index, call in found.items()} == expected


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": []},
        {"choices": None, "prompt_filter_results": []},
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0, "delta": {"content": None, "role": "assistant", "tool_calls": None}}]},
        {"id": 5, "choices": [{"index": 1, "delta": {"content": "the second choice"}}]},
    ],
)
async def test_chunks_with_nothing_in_them_are_harmless(payload):
    chunks = await read("openai", sse(payload, delta("stop", content="pong")))

    assert "".join(chunk.text for chunk in chunks) == "pong"


async def test_thinking_parts_in_a_stream_are_reasoning():
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "pong"}]

    chunks = await read("openai", sse(delta("stop", content=content)))

    assert (chunks[0].text, chunks[0].reasoning) == ("pong", "hm")


@pytest.mark.parametrize(
    ("slug", "start", "end"),
    [
        ("openai", '{"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": ', "}}]}}]}"),
        ("anthropic", '{"content": [{"type": "tool_use", "name": "f", "input": ', "}]}"),
        ("google", '{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": ', "}}]}}]}"),
        ("cohere", '{"message": {"tool_calls": [{"function": {"name": "f", "arguments": ', "}}]}}"),
        ("ollama", '{"done": true, "message": {"tool_calls": [{"function": {"name": "f", "arguments": ', "}}]}}"),
    ],
)
async def test_arguments_that_nest_too_deeply_to_be_written_are_none(slug: str, start: str, end: str):
    deep = '{"a":' * 1010 + "1" + "}" * 1010

    response = await provider_with(slug, [f"{start}{deep}{end}".encode()]).chat_completion(REQUEST)

    assert [(call.name, call.arguments) for call in response.tool_calls] == [("f", "{}")]
