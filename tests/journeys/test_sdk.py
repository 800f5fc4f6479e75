"""The official `openai` SDK with `base_url` at the gateway, a provider on a port of its own behind it, nothing mocked."""

from __future__ import annotations

from decimal import Decimal

import httpx
import openai
import pytest

from tests.journeys.stand import HELLO, Stand, until

GATEWAY = "gateway:call"


def test_the_sdk_chats_through_an_alias_and_the_record_says_what_it_cost(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)

    answer = stand.client(key).chat.completions.create(model=alias, messages=HELLO)

    assert "You said: “Say hello”" in (answer.choices[0].message.content or "")
    [record] = stand.records(alias, count=1)
    assert answer.usage is not None
    cost_usd = Decimal(answer.usage.prompt_tokens * 10 + answer.usage.completion_tokens * 20) / 1_000_000
    assert (record["status"], record["settlement"], record["model"]) == ("ok", "final", "sim/sim-large")
    assert Decimal(record["cost_usd"]) == cost_usd


def test_the_sdk_streams_through_an_alias_piece_by_piece(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)

    with stand.client(key).chat.completions.create(model=alias, messages=HELLO, stream=True) as stream:
        pieces = [
            chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content
        ]

    assert len(pieces) > 10
    assert "You said: “Say hello”" in "".join(pieces)
    [record] = stand.records(alias, count=1)
    assert record["is_stream"]
    assert 0 < record["ttft_ms"] <= record["latency_ms"]


def test_a_stream_arrives_while_the_provider_still_writes(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)
    prompt = [{"role": "user", "content": "[simulate: chunk_delay_ms=60; words=20]"}]

    with stand.client(key).chat.completions.create(model=alias, messages=prompt, stream=True) as stream:
        chunks = iter(stream)
        next(chunks)
        in_flight = httpx.get(f"{stand.server.url}/readyz", timeout=10).json()["calls_in_flight"]
        rest = list(chunks)

    assert in_flight == 1
    assert len(rest) > 10


def test_the_next_call_falls_back_when_the_first_target_stops_in_mid_run(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)
    client = stand.client(key)
    before = client.chat.completions.with_raw_response.create(model=alias, messages=HELLO)

    stand.simulator.set("sim-large", status=503)
    after = client.chat.completions.with_raw_response.create(model=alias, messages=HELLO)

    assert before.headers["x-llmadmin-model"] == "sim/sim-large"
    assert after.headers["x-llmadmin-model"] == "sim/sim-small"
    assert (after.headers["x-llmadmin-attempts"], after.headers["x-llmadmin-fallbacks"]) == ("2", "1")
    newest, oldest = stand.records(alias, count=2)
    assert (oldest["status"], newest["status"]) == ("ok", "recovered")
    assert [(one["model"], one["upstream_status"], one["error_class"]) for one in newest["attempts"]] == [
        ("sim/sim-large", 503, "service"),
        ("sim/sim-small", 200, ""),
    ]


def test_a_stream_falls_back_before_its_first_byte(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)
    stand.simulator.set("sim-large", status=500)

    with stand.client(key).chat.completions.create(model=alias, messages=HELLO, stream=True) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    assert "answer by sim-small" in text
    [record] = stand.records(alias, count=1)
    assert [one["model"] for one in record["attempts"]] == ["sim/sim-large", "sim/sim-small"]


def test_the_whole_provider_gone_is_said_and_recorded_and_it_recovers(stand: Stand) -> None:
    alias, key = stand.alias(), stand.service(GATEWAY)
    client = stand.client(key)

    stand.simulator.stop()
    try:
        with pytest.raises(openai.APIStatusError) as failed:
            client.chat.completions.create(model=alias, messages=HELLO)
    finally:
        stand.simulator.start()

    assert failed.value.status_code in (502, 503)
    [record] = stand.records(alias, count=1)
    assert (record["status"], record["error_class"]) == ("error", "connection")
    assert {one["error_class"] for one in record["attempts"]} == {"connection"}
    until(lambda: _answers(client, alias), "calls are answered again")


def _answers(client: openai.OpenAI, alias: str) -> bool:
    try:
        return bool(client.chat.completions.create(model=alias, messages=HELLO).choices)
    except openai.APIStatusError:
        return False
