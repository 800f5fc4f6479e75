"""What is sent to vendors of OpenAI's dialect: parameters, messages and streams as each of them takes them."""

from __future__ import annotations

from typing import Any

import pytest

from providers import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    LLMProviderInvalidRequestError,
)
from providers.base.parameters import ParameterRules
from providers.registry import get_registry
from tests.providers.canned import ADDRESS, Canned, canned, events, provider_over
from tests.providers.dialect_exchanges import body, piece

USER = {"role": "user", "content": "Hi"}
DEVELOPER = {"role": "developer", "content": "Be brief."}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}
DIALECT = [slug for slug in get_registry().slugs() if get_registry().metadata(slug).dialect == "openai"]
LENIENT = [slug for slug in DIALECT if slug != "mistral"]


async def sent(slug: str, request: ChatRequest | None = None, **fields: Any) -> dict[str, Any]:
    """The body of a chat with these fields."""
    options = fields.pop("options", {})
    transport = canned(body({"content": "pong"}))
    settings = {"base_url": ADDRESS.get(slug, "http://upstream.test/v1"), **options}
    request = request or ChatRequest(**{"model": "m", "messages": [USER], **fields})
    await provider_over(transport, slug, **settings).chat_completion(request)
    return transport.body


async def sent_in_stream(slug: str, **fields: Any) -> dict[str, Any]:
    options = fields.pop("options", {})
    transport = canned(events(piece({"content": "pong"}, "stop")))
    settings = {"base_url": ADDRESS.get(slug, "http://upstream.test/v1"), **options}
    request = ChatRequest(**{"model": "m", "messages": [USER], **fields})
    async for _ in provider_over(transport, slug, **settings).chat_completion_stream(request):
        pass
    return transport.body


@pytest.mark.parametrize("slug", LENIENT)
async def test_a_request_in_openais_form_arrives_as_it_was_written(slug: str):
    wish: dict[str, Any] = {
        "model": "m", "temperature": 0.2, "top_p": 0.9, "max_tokens": 5, "stop": ["x"], "n": 1, "presence_penalty": 0.1,
        "frequency_penalty": 0.2, "seed": 3, "user": "u", "tools": [TOOL], "parallel_tool_calls": False,
        "tool_choice": {"type": "function", "function": {"name": "f"}}, "response_format": SCHEMA, "reasoning_effort": "low",
        "logprobs": True, "top_logprobs": 2, "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "name": "ada", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://a.test/x.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
        ],
    }  # fmt: skip

    assert await sent(slug, ChatRequest(**wish, extra={"top_k": 3})) == {**wish, "top_k": 3}


@pytest.mark.parametrize("slug", DIALECT)
async def test_what_stands_in_extra_wins_and_is_left_as_it_is(slug: str):
    extra = {
        "max_tokens": 9,
        "temperature": 0,
        "messages": [{"role": "user", "content": "Else"}],
        "own": {"deep": [None]},
    }

    found = await sent(slug, max_tokens=5, temperature=1, extra=extra)

    assert {name: found[name] for name in extra} == extra


@pytest.mark.parametrize("slug", LENIENT)
async def test_a_stream_asks_for_usage_unless_the_call_says_otherwise(slug: str):
    plain = await sent_in_stream(slug)
    padded = await sent_in_stream(slug, extra={"stream_options": {"include_obfuscation": False}})
    silent = await sent_in_stream(slug, extra={"stream_options": {"include_usage": False}})

    assert (plain["stream"], plain["stream_options"]) == (True, {"include_usage": True})
    assert padded["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert silent["stream_options"] == {"include_usage": False}


async def test_token_ids_as_numbers_are_written_as_json_wants_them():
    assert (await sent("openai", logit_bias={50256: -100}))["logit_bias"] == {"50256": -100}


@pytest.mark.parametrize(
    "model",
    ["o1", "o1-2024-12-17", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini-2025-08-07", "gpt-5.1", "gpt-5-chat-latest"],
)
@pytest.mark.parametrize("slug", ["openai", "azure"])
async def test_a_reasoning_model_is_asked_by_the_newer_name_of_the_limit(slug: str, model: str):
    found = await sent(slug, model=model, max_tokens=5)

    assert found["max_completion_tokens"] == 5
    assert "max_tokens" not in found


async def test_a_tuned_reasoning_model_is_one_too():
    assert (await sent("openai", model="ft:o4-mini-2025-04-16:acme::id", max_tokens=5))["max_completion_tokens"] == 5


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "ft:gpt-4o-mini-2024-07-18:acme::id", "prod"]
)
@pytest.mark.parametrize("slug", ["openai", "azure"])
async def test_any_other_model_is_asked_by_the_older_name(slug: str, model: str):
    found = await sent(slug, model=model, max_tokens=5, temperature=0.3, top_p=0.5)

    assert (found["max_tokens"], found["temperature"], found["top_p"]) == (5, 0.3, 0.5)
    assert "max_completion_tokens" not in found


@pytest.mark.parametrize("slug", ["openai", "azure"])
async def test_a_reasoning_model_runs_at_its_own_temperature(slug: str):
    neutral = {"top_p": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False}

    found = await sent(slug, model="o4-mini", temperature=0.2, **neutral)

    assert found == {"model": "o4-mini", "messages": [USER], "temperature": 1}
    with pytest.raises(LLMProviderInvalidRequestError, match="top_p"):
        await sent(slug, model="o4-mini", top_p=0.5)


def test_a_refused_parameter_may_be_given_where_it_changes_nothing():
    rules = ParameterRules(refused=frozenset({"top_p", "stop"}))

    rules.check("top_p", 1.0)
    with pytest.raises(LLMProviderInvalidRequestError, match="top_p"):
        rules.check("top_p", 0.9)
    with pytest.raises(LLMProviderInvalidRequestError, match="stop"):
        rules.check("stop", "x")


async def test_azure_is_told_which_model_is_behind_a_deployment():
    options = {"deployment_models": {"chat-prod": "gpt-5-mini", "old": "gpt-4o"}}

    by_name = await sent("azure", model="chat-prod", max_tokens=5, temperature=0.2, options=options)
    by_option = await sent("azure", model="x", max_tokens=5, options={**options, "deployment_name": "chat-prod"})
    other = await sent("azure", model="old", max_tokens=5, options=options)

    assert (by_name["max_completion_tokens"], by_name["temperature"]) == (5, 1)
    assert by_option["max_completion_tokens"] == 5
    assert other["max_tokens"] == 5


@pytest.mark.parametrize("slug", DIALECT)
async def test_the_role_developer_reaches_only_those_who_know_it(slug: str):
    found = await sent(slug, messages=[DEVELOPER, USER])

    knows = slug in ("openai", "azure", "openrouter", "portkey")
    assert [message["role"] for message in found["messages"]] == ["developer" if knows else "system", "user"]
    assert found["messages"][0]["content"] == "Be brief."


@pytest.mark.parametrize("slug", DIALECT)
async def test_thoughts_of_earlier_answers_go_back_only_where_they_are_taken(slug: str):
    thinking = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "So.",
        "reasoning": "So.",
        "reasoning_details": [],
    }

    found = (await sent(slug, messages=[USER, thinking, USER]))["messages"][1]

    refuses = slug in ("openai", "azure", "mistral")
    assert found == ({"role": "assistant", "content": "a"} if refuses else thinking)


@pytest.mark.parametrize("slug", DIALECT)
async def test_the_callers_messages_are_not_changed(slug: str):
    messages = [DEVELOPER, {"role": "assistant", "content": "a", "reasoning_content": "So.", "tool_calls": []}, USER]
    kept = [dict(message) for message in messages]

    await sent(slug, messages=messages)

    assert messages == kept


@pytest.mark.parametrize("slug", DIALECT)
async def test_vectors_and_completions_are_refused_or_asked_for_at_their_paths(slug: str):
    metadata = get_registry().metadata(slug)
    transport: Canned = canned({"data": [{"index": 0, "embedding": "AACAPwAAAMA="}], "usage": {"total_tokens": 4}})
    provider = provider_over(transport, slug, base_url=ADDRESS.get(slug, "http://upstream.test/v1"))
    request = EmbeddingRequest(model="m", input=["a"], extra={"encoding_format": "base64"})

    if not metadata.has("embeddings"):
        with pytest.raises(LLMProviderInvalidRequestError, match="no embeddings"):
            await provider.embed(request)
        assert transport.seen == []
        return
    response = await provider.embed(request)

    assert response.embeddings == [[1.0, -2.0]]
    assert response.usage is not None
    assert response.usage.total_input_tokens == 4
    assert transport.seen[0].url.path.endswith("/embeddings")
    assert transport.body == {"model": "m", "input": ["a"], "encoding_format": "base64"}


@pytest.mark.parametrize("slug", DIALECT)
async def test_a_text_completion_is_refused_or_asked_for_with_its_stream(slug: str):
    transport = canned(
        {"choices": [{"text": "pong", "finish_reason": "length"}], "x_groq": {"usage": {"prompt_tokens": 2}}}
    )
    provider = provider_over(transport, slug, base_url=ADDRESS.get(slug, "http://upstream.test/v1"))
    request = CompletionRequest(model="m", prompt="a", max_tokens=1, extra={"echo": True})

    if not get_registry().metadata(slug).has("completions"):
        with pytest.raises(LLMProviderInvalidRequestError, match="no text completions"):
            await provider.text_completion(request)
        with pytest.raises(LLMProviderInvalidRequestError, match="no text completions"):
            await anext(provider.text_completion_stream(request))
        assert transport.seen == []
        return
    response = await provider.text_completion(request)

    assert (response.text, response.finish_reason) == ("pong", "length")
    assert response.usage is not None
    assert response.usage.total_input_tokens == 2
    assert transport.body == {"model": "m", "prompt": "a", "max_tokens": 1, "echo": True}
    stream = canned(events({"choices": [{"text": "po"}]}, {"choices": [{"text": "ng", "finish_reason": "stop"}]}))
    streaming = provider_over(stream, slug, base_url=ADDRESS.get(slug, "http://upstream.test/v1"))
    chunks = [chunk async for chunk in streaming.text_completion_stream(request)]
    assert ("".join(chunk.text for chunk in chunks), chunks[-1].finish_reason) == ("pong", "stop")


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ([{"id": "a"}, {"id": "b"}], ["a", "b"]),
        ({"data": [{"id": "a"}, {"name": "b"}, {}, None, "c"]}, ["a", "b", "c"]),
        ({"models": [{"name": "a"}], "data": None}, ["a"]),
        ({"object": "list", "data": None}, []),
        ({"code": 0, "message": "success", "data": [{"id": "a"}]}, ["a"]),
    ],
    ids=["bare", "mixed", "two-names", "null", "with-a-message"],
)
async def test_a_model_list_is_read_however_it_is_wrapped(answer: Any, names: list[str]):
    provider = provider_over(canned(answer), "local")

    assert [model.name for model in await provider.list_models()] == names


async def test_limits_of_models_are_read_under_each_vendors_names():
    rows = [
        {"id": "openrouter", "context_length": 8, "top_provider": {"context_length": 4, "max_completion_tokens": 2}},
        {"id": "huggingface", "providers": [{"context_length": 7}, {"context_length": 9}, {"status": "error"}]},
        {"id": "vllm", "max_model_len": 6},
        {"id": "groq", "context_window": 5, "max_completion_tokens": 3},
        {"id": "mistral", "max_context_length": 4, "capabilities": {"vision": True}},
    ]

    models = await provider_over(canned({"data": rows}), "local").list_models()

    assert [(model.context_window, model.max_output_tokens) for model in models] == [
        (8, 2), (9, None), (6, None), (5, 3), (4, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer", [b"<html>A portal</html>", {"status": "ok"}, b"true"], ids=["page", "object", "value"]
)
async def test_g32_a_health_check_is_not_content_with_any_answer(answer: Any):
    report = await provider_over(canned(answer), "local").health_check()

    assert (report.is_healthy, report.step) == (False, "address")
    assert "base URL" in report.message
