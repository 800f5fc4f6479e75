"""Ollama's own dialect, where the recordings don't say."""

from __future__ import annotations

import pytest

from providers import ChatRequest, EmbeddingRequest, LLMProviderInvalidRequestError, create_provider
from providers.ollama.requests import chat_body
from providers.ollama.wire import LineStream, chat_response
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}


def test_parameters_become_options():
    request = ChatRequest(
        model="m", messages=[USER], temperature=0.1, max_tokens=9, stop="END", seed=3, extra={"options": {"top_k": 4}}
    )

    body = chat_body(request, settings={"num_ctx": 8192, "keep_alive": "5m"})

    assert body["options"] == {
        "temperature": 0.1,
        "num_predict": 9,
        "seed": 3,
        "stop": ["END"],
        "num_ctx": 8192,
        "top_k": 4,
    }
    assert (body["keep_alive"], body["stream"]) == ("5m", False)


def test_pictures_are_bare_base64_beside_the_text():
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]

    body = chat_body(ChatRequest(model="m", messages=[{"role": "user", "content": parts}]), settings={})

    assert body["messages"] == [{"role": "user", "content": "What?", "images": ["AAAA"]}]


def test_pictures_by_address_are_refused_with_the_mend():
    parts = [{"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}]

    with pytest.raises(LLMProviderInvalidRequestError, match="data: URL"):
        chat_body(ChatRequest(model="m", messages=[{"role": "user", "content": parts}]), settings={})


def test_a_schema_is_the_format():
    schema = {"type": "object"}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}

    assert chat_body(ChatRequest(model="m", messages=[USER], response_format=wanted), settings={})["format"] == schema
    assert (
        chat_body(ChatRequest(model="m", messages=[USER], response_format={"type": "json_object"}), settings={})[
            "format"
        ]
        == "json"
    )


CALLS = [{"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "g", "arguments": {}}}]


def test_tool_calls_get_an_id_and_their_own_finish_reason():
    payload = {"message": {"content": "", "thinking": "hm", "tool_calls": CALLS}, "done": True, "done_reason": "stop"}

    response = chat_response(payload, provider="ollama", model="m")

    assert [(call.name, call.arguments) for call in response.tool_calls] == [("f", '{"x":1}'), ("g", "{}")]
    assert (response.finish_reason, response.reasoning) == ("tool_calls", "hm")


def test_streamed_tool_calls_are_numbered_through():
    stream = LineStream()

    chunks = [stream.take({"message": {"tool_calls": [call]}}) for call in CALLS]
    last = stream.take({"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 3})

    assert [piece.index for chunk in chunks for piece in chunk.tool_calls] == [0, 1]
    assert (last.finish_reason, last.usage.output_tokens) == ("tool_calls", 3)


async def test_a_base_url_that_ends_in_v1_is_taken_too(upstream: Upstream):
    upstream.answer(200, {"embeddings": [[0.5, 1]], "prompt_eval_count": 2})

    async with create_provider("ollama", base_url=f"{upstream.base_url}/v1") as provider:
        response = await provider.embed(EmbeddingRequest(model="m", input=["a"], dimensions=2))

    assert (upstream.seen[0].path, upstream.seen[0].json) == (
        "/api/embed",
        {"model": "m", "input": ["a"], "dimensions": 2},
    )
    assert (response.embeddings, response.usage.input_tokens) == ([[0.5, 1.0]], 2)
