"""Callers who hang up: the upstream is let go at once, and the record says what had come by then."""

from __future__ import annotations

import httpx
import pytest

from tests.gateway.conftest import eventually


def _body(**fields: object) -> dict[str, object]:
    return {"model": "only", "messages": [{"role": "user", "content": "one two three four"}], **fields}


def test_g3_hanging_up_in_mid_stream_leaves_the_tokens_seen_so_far(live):
    live.simulator.set("sim-small", chunk_delay_ms=30, words=2000)

    with httpx.stream(
        "POST", f"{live.server.gateway_url}/chat/completions", json=_body(stream=True), headers=live.bearer()
    ) as answer:
        lines = answer.iter_lines()
        for _ in range(20):
            next(lines)

    record = live.record()
    assert (record.status, record.settlement, record.http_status) == ("cancelled", "aborted", 499)
    assert 0 < record.output_tokens < 500
    assert record.input_tokens > 0
    assert record.cost_usd > 0
    assert record.attempts.get().status == "cancelled"


def test_g3_hanging_up_before_an_answer_cancels_the_upstream_call(live):
    live.simulator.set("sim-small", delay_ms=60_000)

    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{live.server.gateway_url}/chat/completions",
            json=_body(),
            headers=live.bearer(),
            timeout=httpx.Timeout(10, read=0.5),
        )

    record = live.record()
    assert (record.status, record.settlement) == ("cancelled", "aborted")
    assert record.latency_ms < 30_000
    assert record.input_tokens > 0
    assert record.output_tokens == 0


def test_the_upstream_connection_is_closed_at_once(live):
    live.simulator.set("sim-small", chunk_delay_ms=30, words=5000)
    open_before = len(live.simulator.open_connections())

    with httpx.stream(
        "POST", f"{live.server.gateway_url}/chat/completions", json=_body(stream=True), headers=live.bearer()
    ) as answer:
        next(answer.iter_lines())
        assert len(live.simulator.open_connections()) > open_before

    eventually(lambda: len(live.simulator.open_connections()) <= open_before)
