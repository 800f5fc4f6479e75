"""Ollama's answers and requests that no recording holds: text completions, thinking, errors in lines, and old servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    CompletionRequest,
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderServiceError,
    Usage,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

USER = {"role": "user", "content": "Hi"}
REQUEST = ChatRequest(model="llama3.2", messages=[USER])
CALL = {"function": {"name": "f", "arguments": {"x": 1}}}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("f", "g")]


def line(content: str | None = "", **fields: Any) -> dict[str, Any]:
    return {"model": "llama3.2", "message": {"role": "assistant", "content": content}, "done": False, **fields}


def last(**fields: Any) -> dict[str, Any]:
    return line(done=True, **{"done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2, **fields})


def plan_lines(upstream: Upstream, *lines: Any, **fields: Any) -> None:
    pieces = [json.dumps(each).encode() + b"\n" for each in lines]
    upstream.answer(headers={"content-type": "application/x-ndjson"}, pieces=pieces, **fields)


def provider_at(upstream: Upstream, **settings: Any) -> LLMProvider:
    return create_provider("ollama", base_url=upstream.base_url, max_retries=0, **settings)


async def answer_to(upstream: Upstream, payload: Any, request: ChatRequest = REQUEST, **settings: Any) -> ChatResponse:
    upstream.answer(200, payload)
    async with provider_at(upstream, **settings) as provider:
        return await provider.chat_completion(request)


async def read_stream(provider: LLMProvider) -> list[ChatChunk]:
    return [chunk async for chunk in provider.chat_completion_stream(REQUEST)]


async def chunks_of(upstream: Upstream, *lines: Any) -> list[ChatChunk]:
    plan_lines(upstream, *lines)
    async with provider_at(upstream) as provider:
        return await read_stream(provider)


async def failure_of(upstream: Upstream, *, is_stream: bool = False) -> LLMProviderError:
    async with provider_at(upstream) as provider:
        asked = read_stream(provider) if is_stream else provider.chat_completion(REQUEST)
        with pytest.raises(LLMProviderError) as caught:
            await asked
    return caught.value


async def sent_for(upstream: Upstream, *messages: Any, settings: Any = None, **fields: Any) -> Any:
    fields.setdefault("model", "llama3.2")
    await answer_to(upstream, last(), ChatRequest(messages=messages or [USER], **fields), **(settings or {}))
    return upstream.seen[-1].json


# Answers


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", "stop"), ("length", "length"), ("load", "stop"), ("unload", "stop"), (None, "stop"), ("new", "stop")],
)
async def test_finish_reasons_are_the_same_whole_and_streamed(upstream: Upstream, reason: str | None, expected: str):
    whole = await answer_to(upstream, last(done_reason=reason))
    chunks = await chunks_of(upstream, line("a"), last(done_reason=reason))

    assert whole.finish_reason == expected
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [expected]


async def test_calls_come_before_the_end_and_are_told_apart_in_every_answer(upstream: Upstream):
    called = line(None, message={"role": "assistant", "content": None, "thinking": "hm", "tool_calls": [CALL]})
    other = line("", message={"tool_calls": [{"id": 7, "function": {"name": "g", "arguments": '{"y":2}'}}, None]})

    chunks = await chunks_of(upstream, called, other, last())
    again = await chunks_of(upstream, called, last())

    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(piece.index, piece.name, piece.arguments) for piece in pieces] == [
        (0, "f", '{"x":1}'), (1, "g", '{"y":2}'), (2, "", "{}"),
    ]  # fmt: skip
    assert pieces[1].id == "7"
    assert pieces[0].id != again[0].tool_calls[0].id
    assert "".join(chunk.reasoning for chunk in chunks) == "hm"
    assert chunks[-1].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Usage(input_tokens=3, output_tokens=2)),
        ({"prompt_eval_count": None}, Usage(output_tokens=2)),
        ({"eval_count": None}, Usage(input_tokens=3)),
        ({"prompt_eval_count": None, "eval_count": None}, None),
    ],
)
async def test_g02_missing_counts_are_nothing_and_both_missing_are_unknown(
    upstream: Upstream, fields: dict[str, Any], expected: Usage | None
):
    whole = await answer_to(upstream, last(**fields))
    chunks = await chunks_of(upstream, line("a"), last(**fields))

    assert (whole.usage, chunks[-1].usage) == (expected, expected)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("llama runner process has terminated", LLMProviderServiceError),
        ("model 'llama3.2' not found", LLMProviderModelError),
        ('model "llama3.2" not found, try pulling it first', LLMProviderModelError),
    ],
)
async def test_an_error_inside_a_200_is_raised(
    upstream: Upstream, words: str, expected: type[LLMProviderError], is_stream: bool
):
    if is_stream:
        plan_lines(upstream, line("a"), {"error": words})
    else:
        upstream.answer(200, {"error": words})

    error = await failure_of(upstream, is_stream=is_stream)

    assert (type(error), error.message, error.status) == (expected, words, 200)


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (400, '"llama3.2" does not support tools', LLMProviderInvalidRequestError),
        (401, "unauthorized", LLMProviderAuthenticationError),
        (404, "model 'llama3.2' not found", LLMProviderModelError),
        (500, "model requires more system memory (9 GiB) than is available (4 GiB)", LLMProviderServiceError),
        (503, "server busy, please try again. maximum pending requests exceeded", LLMProviderServiceError),
    ],
)
async def test_each_status_is_its_class(upstream: Upstream, status: int, words: str, expected: type[LLMProviderError]):
    upstream.answer(status, {"error": words})

    error = await failure_of(upstream)

    assert (type(error), error.status, error.message) == (expected, status, words)


async def test_a_prompt_that_is_too_long_is_told_as_such(upstream: Upstream):
    upstream.answer(400, {"error": "the input length exceeds the context length"})

    assert (await failure_of(upstream)).exceeds_context


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"", b"[]", b'{"message":'])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_answer_that_is_none_is_an_error(upstream: Upstream, body: bytes, is_stream: bool):
    upstream.answer(200, body)

    error = await failure_of(upstream, is_stream=is_stream)

    assert (type(error), error.code in ("unreadable_answer", "stream_cut")) == (LLMProviderServiceError, True)


async def test_g20_a_stream_without_an_end_is_an_error(upstream: Upstream):
    plan_lines(upstream, line("a"))

    assert (await failure_of(upstream, is_stream=True)).code == "stream_cut"


# Text completions


async def test_a_text_completion_goes_to_generate(upstream: Upstream):
    upstream.answer(200, {"model": "llama3.2", "response": "pong", "thinking": "hm", **last(message=None)})
    request = CompletionRequest(
        model="llama3.2", prompt=["ping"], temperature=0.1, max_tokens=7, stop="END", seed=3, extra={"raw": True}
    )

    async with provider_at(upstream, num_ctx=4096) as provider:
        response = await provider.text_completion(request)

    assert (upstream.seen[0].path, upstream.seen[0].json) == (
        "/api/generate",
        {
            "model": "llama3.2", "prompt": "ping", "stream": False, "raw": True,
            "options": {"temperature": 0.1, "num_predict": 7, "seed": 3, "stop": ["END"], "num_ctx": 4096},
        },
    )  # fmt: skip
    assert (response.text, response.finish_reason) == ("pong", "stop")
    assert response.usage == Usage(input_tokens=3, output_tokens=2)


async def test_a_text_completion_streams(upstream: Upstream):
    pieces = [{"response": "po", "done": False}, {"response": "ng", "done": False}]
    plan_lines(upstream, *pieces, {"response": "", "done": True, "done_reason": "length", "eval_count": 2})

    async with provider_at(upstream) as provider:
        stream = provider.text_completion_stream(CompletionRequest(model="llama3.2", prompt="ping"))
        chunks = [chunk async for chunk in stream]

    assert upstream.seen[0].json == {"model": "llama3.2", "prompt": "ping", "stream": True}
    assert "".join(chunk.text for chunk in chunks) == "pong"
    assert (chunks[-1].finish_reason, chunks[-1].usage) == ("length", Usage(output_tokens=2))


# Requests


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("qwen3:8b", "high", True), ("qwen3:8b", "xhigh", True), ("qwen3:8b", "minimal", False), ("qwen3:8b", "none", False),
        ("gpt-oss:20b", "xhigh", "high"), ("gpt-oss:20b", "medium", "medium"), ("hf.co/openai/gpt-oss:20b", "none", "low"),
    ],
)  # fmt: skip
async def test_effort_is_a_level_only_where_the_model_takes_one(
    upstream: Upstream, model: str, effort: str, expected: Any
):
    assert (await sent_for(upstream, model=model, reasoning_effort=effort))["think"] == expected


async def test_a_result_goes_with_its_tools_name_and_a_persons_name_is_none(upstream: Upstream):
    said = {
        "role": "assistant", "content": None, "reasoning_content": "hm",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "[1]"}},
        ],
    }  # fmt: skip
    sent = await sent_for(
        upstream,
        {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]},
        USER | {"name": "ada"},
        said,
        {"role": "tool", "tool_call_id": "b", "content": "two"},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "tool", "tool_call_id": "lost", "content": "three"},
    )

    assert sent["messages"] == [
        {"role": "system", "content": "Be\nbrief."},
        USER,
        {
            "role": "assistant", "content": "", "thinking": "hm",
            "tool_calls": [CALL, {"function": {"name": "g", "arguments": {}}}],
        },
        {"role": "tool", "content": "two", "tool_name": "g"},
        {"role": "tool", "content": "one", "tool_name": "f"},
        {"role": "tool", "content": "three"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["f", "g"]),
        ("auto", ["f", "g"]),
        ("none", []),
        ({"type": "function", "function": {"name": "g"}}, ["g"]),
        ({"type": "function", "function": {"name": "unknown"}}, ["f", "g"]),
    ],
)
async def test_a_choice_of_tools_is_kept_by_offering_no_others(upstream: Upstream, choice: Any, names: list[str]):
    sent = await sent_for(upstream, tools=TOOLS, tool_choice=choice)

    assert [tool["function"]["name"] for tool in sent.get("tools", [])] == names


@pytest.mark.parametrize(("given", "sent"), [("-1", -1), ("300", 300), (0, 0), ("5m", "5m")])
async def test_seconds_are_sent_as_a_number(upstream: Upstream, given: Any, sent: Any):
    assert (await sent_for(upstream, settings={"keep_alive": given}))["keep_alive"] == sent


async def test_log_probabilities_are_asked_for_beside_the_options(upstream: Upstream):
    sent = await sent_for(upstream, logprobs=True, top_logprobs=2, top_p=0.9)

    assert (sent["logprobs"], sent["top_logprobs"], sent["options"]) == (True, 2, {"top_p": 0.9})


async def test_a_key_is_sent_where_there_is_one(upstream: Upstream):
    await answer_to(upstream, last())
    await answer_to(upstream, last(), api_key="test-key-alpha", headers={"X-Team": "lab"})

    assert "authorization" not in upstream.seen[0].headers
    assert upstream.seen[1].headers["authorization"] == "Bearer test-key-alpha"
    assert upstream.seen[1].headers["x-team"] == "lab"


async def test_models_are_named_as_calls_name_them(upstream: Upstream):
    rows = [{"name": "llama3.2:latest", "capabilities": ["completion", "tools", "insert"]}, {"model": "b:1b"}, {}, None]
    upstream.answer(200, {"models": rows})

    async with provider_at(upstream) as provider:
        models = await provider.list_models()

    assert upstream.seen[0].path == "/api/tags"
    assert [(model.name, model.capabilities) for model in models] == [
        ("llama3.2:latest", {"chat", "tools"}),
        ("b:1b", frozenset()),
    ]


async def test_one_text_is_one_vector(upstream: Upstream):
    upstream.answer(200, {"model": "e:latest", "embeddings": [[0.5, 1]], "prompt_eval_count": 2})

    async with provider_at(upstream) as provider:
        response = await provider.embed(EmbeddingRequest(model="e", input="ab"))

    assert (upstream.seen[0].json, response.embeddings) == ({"model": "e", "input": ["ab"]}, [[0.5, 1.0]])


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest(model="m", messages=[USER], n=2),
        ChatRequest(model="m", messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]),
        CompletionRequest(model="m", prompt=["a", "b"]),
    ],
    ids=["n", "file", "two-prompts"],
)
async def test_what_ollama_lacks_is_refused_before_any_call(upstream: Upstream, request_: Any):
    async with provider_at(upstream) as provider:
        ask = provider.text_completion if isinstance(request_, CompletionRequest) else provider.chat_completion
        with pytest.raises(LLMProviderInvalidRequestError):
            await ask(request_)

    assert upstream.seen == []
