"""What a caller sees of each way in which a provider fails, through the real server."""

from __future__ import annotations

import httpx
import openai
import pytest

from tests.journeys.stand import HELLO, Stand


@pytest.fixture
def caller(stand: Stand) -> tuple[str, openai.OpenAI]:
    """An alias of one target, so that nothing absorbs the failure, and a client."""
    return stand.alias("sim-small"), stand.client(stand.service("gateway:call"))


def test_a_429_keeps_its_retry_after(stand: Stand, caller: tuple[str, openai.OpenAI]) -> None:
    alias, client = caller
    stand.simulator.set("sim-small", status=429, retry_after=3)

    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model=alias, messages=HELLO)

    assert refused.value.response.headers["retry-after"] == "3"
    [record] = stand.records(alias, count=1)
    assert (record["status"], record["error_class"], record["http_status"]) == ("error", "rate_limit", 429)


def test_g21_a_500_is_a_502_of_ours_with_the_vendor_s_words(stand: Stand, caller: tuple[str, openai.OpenAI]) -> None:
    alias, client = caller
    stand.simulator.set("sim-small", status=500)

    with pytest.raises(openai.InternalServerError, match="Simulated failure 500") as failed:
        client.chat.completions.create(model=alias, messages=HELLO)

    assert failed.value.status_code == 502
    [record] = stand.records(alias, count=1)
    assert [one["upstream_status"] for one in record["attempts"]] == [500]


def test_g20_a_cut_stream_ends_in_an_error_never_in_done(stand: Stand, caller: tuple[str, openai.OpenAI]) -> None:
    alias, client = caller
    stand.simulator.set("sim-small", cut_after=6)
    pieces: list[str] = []

    with (
        pytest.raises(openai.APIError),
        client.chat.completions.create(model=alias, messages=HELLO, stream=True) as stream,
    ):
        pieces.extend(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    raw = httpx.post(
        f"{stand.server.gateway_url}/chat/completions",
        json={"model": alias, "messages": HELLO, "stream": True},
        headers={"Authorization": f"Bearer {client.api_key}"},
        timeout=30,
    ).text

    assert "[DONE]" not in raw
    assert '"error"' in raw
    truncated = stand.records(alias, count=2)
    assert {(one["status"], one["error_class"]) for one in truncated} == {("truncated", "connection")}
    assert all(one["output_tokens"] > 0 for one in truncated)


def test_a_slow_answer_is_waited_for_and_its_time_told(stand: Stand, caller: tuple[str, openai.OpenAI]) -> None:
    alias, client = caller
    stand.simulator.set("sim-small", delay_ms=700)

    answer = client.chat.completions.create(model=alias, messages=HELLO)

    assert answer.choices[0].message.content
    [record] = stand.records(alias, count=1)
    assert record["latency_ms"] >= 700


def test_g3_a_caller_who_hangs_up_leaves_a_cancelled_record(stand: Stand, caller: tuple[str, openai.OpenAI]) -> None:
    alias, client = caller
    stand.simulator.set("sim-small", chunk_delay_ms=50)
    prompt = [{"role": "user", "content": "[simulate: words=500]"}]

    with client.chat.completions.create(model=alias, messages=prompt, stream=True) as stream:
        for place, _ in enumerate(stream):
            if place == 8:
                break

    [record] = stand.records(alias, count=1)
    assert (record["status"], record["settlement"]) == ("cancelled", "aborted")
    assert 0 < record["output_tokens"] < 500
