"""What goes out is what a strict client reads, whatever a server of OpenAI's dialect answers."""

from __future__ import annotations

from typing import Any

import pytest

from llmadmin.gateway.answers import ChunkWriter, chat_body
from providers.types import ChatChunk, ChatResponse, ToolCall, ToolCallDelta

CALL = ToolCall(id="7", name="add", arguments='{"a":1}')


def raw_answer(**message: Any) -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion",
        "extra": 1,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def test_a_plain_answer_keeps_fields_that_we_do_not_know() -> None:
    body = chat_body(
        ChatResponse(text="hi", model="m", provider="p", raw=raw_answer(role="assistant", content="hi", odd=[1]))
    )

    assert body["extra"] == 1
    assert body["choices"][0]["message"]["odd"] == [1]


@pytest.mark.parametrize(
    "message",
    [
        {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "hi"}]},
        {"content": "hi", "tool_calls": [{"id": 7, "function": {"name": "add", "arguments": '{"a":1}'}}]},
        {"content": "hi", "tool_calls": [{"id": "7", "function": {"name": "add", "arguments": {"a": 1}}}]},
    ],
    ids=["content as parts", "a number as id", "arguments as an object"],
)
def test_an_answer_that_strict_clients_stumble_over_is_written_anew(message: dict[str, Any]) -> None:
    calls = [CALL] if "tool_calls" in message else []

    body = chat_body(ChatResponse(text="hi", model="m", provider="p", tool_calls=calls, raw=raw_answer(**message)))

    said = body["choices"][0]["message"]
    assert said["content"] == "hi"
    for call in said.get("tool_calls", []):
        assert isinstance(call["id"], str)
        assert isinstance(call["function"]["arguments"], str)


def test_a_chunk_whose_content_is_a_list_is_written_anew() -> None:
    raw = {
        "id": "x",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": "hi"}]}}],
    }

    piece = ChunkWriter(identity="i", created=1, model="m").chunk(ChatChunk(text="hi", raw=raw))

    assert piece is not None
    assert piece["choices"][0]["delta"]["content"] == "hi"


def test_a_streamed_call_keeps_its_pieces() -> None:
    delta = {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}
    raw = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
    chunk = ChatChunk(tool_calls=[ToolCallDelta(index=0, arguments="1}")], raw=raw)

    piece = ChunkWriter(identity="i", created=1, model="m").chunk(chunk)

    assert piece is not None
    assert piece["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] == "1}"
