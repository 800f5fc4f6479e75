"""Providers that do not speak OpenAI's dialect, or speak it with an accent: the caller sees OpenAI's form all the same."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator

import orjson
import pytest

from llmadmin.gateway.answers import ChunkWriter, chat_body, embedding_body
from providers.types import ChatChunk, ChatResponse, EmbeddingResponse, ToolCallDelta, Usage
from tests.gateway.conftest import Setting, eventually
from tests.live.server import LiveServer, ThreadServer

MESSAGES = [{"role": "user", "content": "Say pong"}]
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test",
    "content": [{"type": "text", "text": "pong"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2},
}
EVENTS = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "po"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ng"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]


async def anthropic(scope, receive, send):
    """A server in Anthropic's dialect with one answer."""
    body = orjson.loads((await receive())["body"])
    is_stream = body.get("stream")
    kind = b"text/event-stream" if is_stream else b"application/json"
    lines = [b"event: " + event["type"].encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n" for event in EVENTS]
    content = b"".join(lines) if is_stream else orjson.dumps(ANSWER)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture
def through_anthropic(live: Setting) -> Iterator[Setting]:
    from llmadmin.accounts.actors import system_actor
    from llmadmin.catalog.services import create_model, create_provider, set_price
    from llmadmin.config.services import change
    from llmadmin.vault.services import add_key

    assert isinstance(live.server, LiveServer)
    with ThreadServer(anthropic) as upstream:
        with change(by=system_actor("tests")) as done:
            provider = create_provider(slug="claude", kind="anthropic", base_url=upstream.url)
            add_key(provider, label="main", api_key="test-key-beta")
            model = create_model(provider, name="claude-test")
            set_price(model, input_usd_per_mtok="1", cached_input_usd_per_mtok="0.1", output_usd_per_mtok="5")
        eventually(lambda: live.server.runtime.snapshot.version >= done.version)
        yield live


def test_a_plain_answer_of_another_dialect_is_openai_s_form(through_anthropic):
    answer = through_anthropic.client().chat.completions.create(
        model="claude/claude-test", messages=MESSAGES, max_tokens=9
    )

    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == "pong"
    assert (answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (14, 5)
    record = through_anthropic.record()
    assert (record.input_tokens, record.cached_input_tokens, record.cache_write_tokens) == (7, 5, 2)


def test_a_stream_of_another_dialect_is_openai_s_form(through_anthropic):
    chunks = list(
        through_anthropic.client().chat.completions.create(
            model="claude/claude-test",
            messages=MESSAGES,
            max_tokens=9,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "pong"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 17
    assert len({chunk.id for chunk in chunks}) == 1


def _writer() -> ChunkWriter:
    return ChunkWriter(identity="chatcmpl-1", created=1, model="m")


def test_a_chunk_in_openai_s_dialect_keeps_fields_that_we_do_not_know():
    raw = {"id": "x", "choices": [{"index": 0, "delta": {"content": "a"}}], "vendor": {"tier": 1}}

    assert _writer().chunk(ChatChunk(text="a", raw=raw)) == {
        **raw,
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }


def test_usage_is_taken_out_of_pieces_and_given_at_the_end():
    writer = _writer()
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1}

    piece = writer.chunk(
        ChatChunk(text="a", raw={"choices": [{"index": 0, "delta": {"content": "a"}}], "usage": usage})
    )
    alone = writer.chunk(ChatChunk(raw={"choices": [], "usage": usage}))

    assert "usage" not in piece
    assert alone is None
    assert writer.usage_chunk(Usage())["usage"] == usage


def test_tool_calls_without_an_index_get_one():
    raw = {
        "choices": [{"index": 0, "delta": {"tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {}}}]}}]
    }
    chunk = ChatChunk(tool_calls=[ToolCallDelta(index=0, id="c1", name="f", arguments="{}")], raw=raw)

    sent = _writer().chunk(chunk)["choices"][0]["delta"]["tool_calls"]

    assert sent == [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def test_a_finish_reason_that_openai_does_not_know_is_normalised():
    chunk = ChatChunk(finish_reason="stop", raw={"choices": [{"index": 0, "delta": {}, "finish_reason": "eos"}]})
    raw = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "eos"}]}

    assert _writer().chunk(chunk)["choices"][0]["finish_reason"] == "stop"
    assert chat_body(ChatResponse("a", "m", "p", raw=raw))["choices"][0]["finish_reason"] == "stop"


def test_embeddings_come_as_base64_where_the_sdk_asks_for_it():
    body = embedding_body(EmbeddingResponse([[0.5, -1.0]], "m", "p"), is_base64=True)

    assert struct.unpack("<2f", base64.b64decode(body["data"][0]["embedding"])) == (0.5, -1.0)
