"""Chats through the gateway with the official SDK, the simulator behind it, nothing mocked."""

from __future__ import annotations

from decimal import Decimal

import openai
import pytest

HELLO = [{"role": "user", "content": "Say hello"}]


def test_the_sdk_chats_through_an_alias(live):
    answer = live.client().chat.completions.with_raw_response.create(model="safe", messages=HELLO)

    body, headers = answer.parse(), answer.headers
    assert "Say hello" in body.choices[0].message.content
    assert body.system_fingerprint == "simulated"
    assert headers["x-llmadmin-model"] == "sim/sim-large"
    assert headers["x-llmadmin-provider"] == "sim"
    assert headers["x-llmadmin-alias"] == "safe"
    assert (headers["x-llmadmin-attempts"], headers["x-llmadmin-fallbacks"]) == ("1", "0")
    assert int(headers["x-llmadmin-config-version"]) >= 1
    assert headers["x-llmadmin-cache"] == "off"
    assert float(headers["x-llmadmin-overhead-ms"]) >= 0
    usage = body.usage
    assert (
        Decimal(headers["x-llmadmin-cost-usd"])
        == Decimal(usage.prompt_tokens * 10 + usage.completion_tokens * 20) / 1_000_000
    )


def test_a_call_leaves_a_record_with_its_rates(live):
    body = live.client().chat.completions.create(model="agent:coder", messages=HELLO, user="ann")

    record = live.record()
    assert (record.status, record.settlement, record.http_status) == ("ok", "final", 200)
    assert (record.service, record.alias, record.agent, record.user) == ("shop", "safe", "coder", "ann")
    assert (record.provider, record.model, record.requested) == ("sim", "sim/sim-large", "agent:coder")
    assert (record.input_tokens, record.output_tokens) == (body.usage.prompt_tokens, 6)
    assert record.cost_usd == Decimal(body.usage.prompt_tokens * 10 + 6 * 20) / 1_000_000
    assert Decimal(record.rates["output_usd_per_mtok"]) == 20
    assert record.finish_reason == "length"
    assert record.key_id is not None
    assert record.attempts.get().upstream_status == 200


def test_the_sdk_streams_and_sees_usage_only_when_it_asks(live):
    client = live.client()

    silent = list(client.chat.completions.create(model="safe", messages=HELLO, stream=True))
    told = list(
        client.chat.completions.create(
            model="safe", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )

    assert all(chunk.usage is None and chunk.choices for chunk in silent)
    assert told[-1].usage.completion_tokens > 0
    assert told[-1].choices == []
    text = "".join(chunk.choices[0].delta.content or "" for chunk in silent)
    assert text == client.chat.completions.create(model="safe", messages=HELLO).choices[0].message.content


def test_a_stream_is_recorded_by_the_provider_s_own_count(live):
    list(live.client().chat.completions.create(model="safe", messages=HELLO, stream=True))

    record = live.record()
    assert (record.status, record.settlement, record.is_stream) == ("ok", "final", True)
    assert record.output_tokens > 10
    assert 0 < record.ttft_ms <= record.latency_ms


def test_the_next_target_answers_when_the_first_is_switched_off_in_mid_run(live):
    client = live.client()
    before = client.chat.completions.with_raw_response.create(model="safe", messages=HELLO)

    live.simulator.set("sim-large", status=503)
    after = client.chat.completions.with_raw_response.create(model="safe", messages=HELLO)

    assert before.headers["x-llmadmin-model"] == "sim/sim-large"
    assert after.headers["x-llmadmin-model"] == "sim/sim-small"
    assert (after.headers["x-llmadmin-attempts"], after.headers["x-llmadmin-fallbacks"]) == ("2", "1")
    record = live.record()
    assert (record.status, record.attempt_count, record.fallback_count) == ("recovered", 2, 1)
    first, second = record.attempts.order_by("position")
    assert (first.model, first.status, first.upstream_status, first.error_class) == (
        "sim/sim-large",
        "error",
        503,
        "service",
    )
    assert "Simulated failure 503" in first.message
    assert (second.model, second.status) == ("sim/sim-small", "ok")


def test_a_stream_falls_back_before_its_first_byte(live):
    live.simulator.set("sim-large", status=500)

    with live.client().chat.completions.with_streaming_response.create(
        model="safe", messages=HELLO, stream=True
    ) as answer:
        text = answer.read().decode()

    assert answer.headers["x-llmadmin-model"] == "sim/sim-small"
    assert text.endswith("data: [DONE]\n\n")


def test_g20_a_cut_stream_ends_in_an_error_and_is_recorded_as_truncated(live):
    chunks = []

    with pytest.raises(openai.APIError) as broken:
        _collect(live.client().chat.completions.create(model="sim/sim-cut", messages=HELLO, stream=True), into=chunks)

    assert "request_id" in broken.value.body
    assert len(chunks) > 0
    record = live.record()
    assert (record.status, record.settlement) == ("truncated", "aborted")
    assert record.error_class in ("connection", "service")
    assert record.output_tokens > 0


def _collect(stream, *, into):
    for chunk in stream:
        into.append(chunk)


def test_a_cut_stream_has_no_done(live):
    with live.client().chat.completions.with_streaming_response.create(
        model="sim/sim-cut", messages=HELLO, stream=True
    ) as answer:
        text = answer.read().decode()

    assert "[DONE]" not in text
    assert '"error"' in text.strip().rpartition("data: ")[2]


def test_an_answer_without_usage_is_estimated_and_says_so(live):
    body = live.client().chat.completions.create(model="sim/sim-unmetered", messages=HELLO)

    assert body.usage is None
    record = live.record()
    assert record.settlement == "estimated"
    assert record.input_tokens > 0
    assert record.output_tokens > 0


def test_g1_a_call_without_a_price_costs_null(live):
    answer = live.client().chat.completions.with_raw_response.create(model="sim/sim-free", messages=HELLO)

    assert "x-llmadmin-cost-usd" not in answer.headers
    record = live.record()
    assert record.cost_usd is None
    assert record.rates is None


def test_g2_reasoning_and_cached_tokens_have_meters_of_their_own(live):
    prompt = [{"role": "user", "content": "one two three [simulate: reasoning=9; cached=2; words=5]"}]

    live.client().chat.completions.create(model="only", messages=prompt)

    record = live.record()
    assert (record.input_tokens, record.cached_input_tokens) == (3 + 7 - 2, 2)
    assert (record.output_tokens, record.reasoning_tokens) == (5, 9)


def test_unknown_fields_go_to_the_vendor_and_come_back(live):
    live.client().chat.completions.create(model="only", messages=HELLO, extra_body={"top_k": 3, "stream_options": None})

    sent = live.simulator.seen[-1]
    assert sent["top_k"] == 3
    assert sent["model"] == "sim-small"
    assert "stream" not in sent


def test_tools_pass_through_plain_and_streamed(live):
    tools = [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}},
        }
    ]
    fields = {"model": "only", "messages": HELLO, "tools": tools, "tool_choice": "required"}
    client = live.client()

    plain = client.chat.completions.create(**fields)
    chunks = list(client.chat.completions.create(**fields, stream=True))

    assert plain.choices[0].message.tool_calls[0].function.arguments == '{"city":"simulated"}'
    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
    assert "".join(piece.function.arguments or "" for piece in pieces) == '{"city":"simulated"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_embeddings_and_text_completions_pass_through(live):
    client = live.client()

    vectors = client.embeddings.create(model="sim/sim-embed", input=["a", "b"])
    text = client.completions.create(model="only", prompt="Once upon a time", max_tokens=4)

    assert [len(row.embedding) for row in vectors.data] == [16, 16]
    assert text.usage.completion_tokens == 4
    assert live.record().endpoint == "completions"


def test_the_async_sdk_works_too(live):
    import asyncio

    async def ask():
        async with openai.AsyncOpenAI(api_key=live.key, base_url=live.server.gateway_url) as client:
            return [
                chunk async for chunk in await client.chat.completions.create(model="safe", messages=HELLO, stream=True)
            ]

    assert len(asyncio.run(ask())) > 5
