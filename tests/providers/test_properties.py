"""What holds for every folder and any input: cuts in a stream change nothing, and no answer makes an exception of another
kind than the error tree's."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import ChatRequest, CompletionRequest, EmbeddingRequest, LLMProviderError, create_provider
from providers.base.provider import LLMProvider
from providers.registry import get_registry
from tests.providers.contract.dialects import DIALECTS

SLUGS = get_registry().slugs()
CHAT = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
COMPLETION = CompletionRequest(model="m", prompt="Hi")
EMBEDDING = EmbeddingRequest(model="m", input=["a", "b"])

STATUSES = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 408, 412, 422, 429, 446, 500, 503, 529])
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "retry-after",
            "retry-after-ms",
            "x-request-id",
            "x-ratelimit-reset-requests",
            "content-type",
            "x-should-retry",
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=12).map(str.strip),
    max_size=3,
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["stop", "text", "m"])
)


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names_in(inner)}
    return {name for inner in value for name in names_in(inner)} if isinstance(value, list) else set()


def names_of(slug: str) -> list[str]:
    """The fields that answers of this dialect have, and those of failures, vectors and tool calls."""
    dialect = DIALECTS[get_registry().metadata(slug).dialect]
    pieces = [json.loads(piece.removeprefix(b"data: ")) for piece in dialect.stream if b"[DONE]" not in piece]
    common = {
        "error",
        "detail",
        "code",
        "status",
        "embeddings",
        "embedding",
        "values",
        "tool_calls",
        "function",
        "arguments",
    }
    return sorted(names_in([dialect.answer, dialect.models, *pieces]) | common)


def bodies(slug: str) -> st.SearchStrategy[bytes]:
    """Any bytes, any JSON made of the dialect's own names, and its sound answers with one value or all counts replaced."""
    names = st.sampled_from(names_of(slug))
    values = st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
    )
    dialect = DIALECTS[get_registry().metadata(slug).dialect]
    sound = st.sampled_from([dialect.answer, dialect.models, dialect.error("No.")])
    spoiled = st.builds(replaced, sound, names, values)
    counted = st.builds(renumbered, st.just(dialect.answer), st.integers() | st.floats())
    return st.binary(max_size=200) | st.one_of(values, spoiled, counted).map(lambda value: json.dumps(value).encode())


def replaced(value: Any, name: str, other: Any) -> Any:
    """`value` with `other` wherever `name` stands."""
    if isinstance(value, dict):
        return {key: other if key == name else replaced(inner, name, other) for key, inner in value.items()}
    return [replaced(inner, name, other) for inner in value] if isinstance(value, list) else value


def renumbered(value: Any, number: float) -> Any:
    """`value` with `number` for every count in it."""
    if isinstance(value, dict):
        return {key: renumbered(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [renumbered(inner, number) for inner in value]
    return number if isinstance(value, int) else value


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Server(httpx.AsyncBaseTransport):
    """Says the same to every request."""

    def __init__(self, pieces: list[bytes], *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._pieces, self._status, self._headers = pieces, status, headers or {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in self._headers.items()]
        return httpx.Response(self._status, headers=raw, stream=Pieces(self._pieces))


def connect(slug: str, server: Server) -> LLMProvider:
    provider: LLMProvider = create_provider(
        slug, api_key="test-key-alpha", base_url="http://upstream.test", transport=server, max_retries=0
    )
    return provider


def cut(text: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


async def hear(slug: str, pieces: list[bytes]) -> tuple[list[Any], str]:
    """What a caller hears of a stream, and the words of the error that it may end with."""
    heard: list[Any] = []
    try:
        async for chunk in connect(slug, Server(pieces)).chat_completion_stream(CHAT):
            heard.append((chunk.text, chunk.reasoning, chunk.tool_calls, chunk.finish_reason, chunk.usage))  # noqa: PERF401
    except LLMProviderError as error:
        return heard, error.message
    return heard, ""


@pytest.mark.parametrize("slug", SLUGS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
async def test_wherever_a_stream_is_cut_the_same_is_heard(slug: str, data: st.DataObject):
    whole = b"".join(DIALECTS[get_registry().metadata(slug).dialect].stream)
    body = data.draw(st.just(whole) | st.integers(0, len(whole)).map(lambda end: whole[:end]))

    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=12))

    assert await hear(slug, cut(body, places)) == await hear(slug, [body])


@pytest.mark.parametrize("slug", SLUGS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
async def test_whatever_is_answered_to_any_call_stays_inside_the_error_tree(slug: str, data: st.DataObject):
    body, status, headers = data.draw(bodies(slug)), data.draw(STATUSES), data.draw(HEADERS)
    form = data.draw(st.sampled_from(["whole", "event", "line"]))
    text = {"whole": body, "event": b"data: " + body + b"\n\n", "line": body + b"\n"}[form]
    server = Server(cut(text, data.draw(st.lists(st.integers(0, 500), max_size=3))), status=status, headers=headers)

    provider = connect(slug, server)

    for call in (
        lambda: provider.chat_completion(CHAT),
        lambda: provider.text_completion(COMPLETION),
        lambda: provider.embed(EMBEDDING),
        provider.list_models,
        lambda: exhaust(provider.chat_completion_stream(CHAT)),
        lambda: exhaust(provider.text_completion_stream(COMPLETION)),
    ):
        with contextlib.suppress(LLMProviderError):
            await call()
    report = await provider.health_check()
    assert report.is_healthy is (report.step == "ok")


async def exhaust(chunks: AsyncIterator[Any]) -> None:
    async for chunk in chunks:
        json.dumps([piece.to_openai() for piece in chunk.tool_calls])


@pytest.mark.parametrize("slug", SLUGS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
async def test_an_answer_that_is_taken_is_sound(slug: str, data: st.DataObject):
    """Text is text, meters are counts, and the whole can be written as JSON in OpenAI's form."""
    provider = connect(slug, Server([data.draw(bodies(slug))]))
    try:
        response = await provider.chat_completion(CHAT)
    except LLMProviderError:
        return

    assert isinstance(response.text, str)
    assert response.finish_reason in ("stop", "length", "tool_calls", "content_filter")
    assert all(isinstance(call.arguments, str) and isinstance(call.id, str) for call in response.tool_calls)
    assert response.usage is None or all(
        isinstance(count, int) and count >= 0 for count in response.usage.as_dict().values()
    )
    json.dumps(response.to_openai())
