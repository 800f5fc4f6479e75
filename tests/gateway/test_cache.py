"""Answers for repeats: aliases with `cache_ttl_s`, through the live server with the official SDK."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import openai
import pytest

from tests.gateway.conftest import eventually

HELLO = [{"role": "user", "content": "Say hello"}]


@pytest.fixture
def caching(live):
    """The setting, with both aliases keeping answers for an hour."""
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import update_alias

    before = live.server.runtime.snapshot.version
    with change(by=system_actor("tests"), why="Keep answers"):
        for alias in Alias.objects.all():
            update_alias(alias, cache_ttl_s=3600)
    eventually(lambda: live.server.runtime.snapshot.version > before)
    return live


def ask(setting, model="only", messages=HELLO, *, key="", **params):
    return setting.client(key).chat.completions.with_raw_response.create(model=model, messages=messages, **params)


def cache_of(answer) -> str:
    return answer.headers["x-llmadmin-cache"]


def test_a_repeat_is_answered_without_the_provider(caching):
    first = ask(caching)
    asked = caching.simulator.app.board.show()

    again = ask(caching)

    assert (cache_of(first), cache_of(again)) == ("miss", "hit")
    assert json.loads(again.text) == json.loads(first.text)
    assert (again.headers["x-llmadmin-attempts"], again.headers["x-llmadmin-cost-usd"]) == ("0", "0")
    assert again.headers["x-llmadmin-model"] == "sim/sim-small"
    assert caching.simulator.app.board.show() == asked


def test_a_hit_leaves_a_record_without_attempts_and_cost(caching):
    usage = ask(caching).parse().usage
    ask(caching)

    record = caching.record()
    saved = Decimal(usage.prompt_tokens + 2 * usage.completion_tokens) / 1_000_000
    assert record.is_cache_hit
    assert (record.status, record.settlement, record.http_status) == ("ok", "final", 200)
    assert (record.cost_usd, record.input_tokens, record.output_tokens) == (0, 0, 0)
    assert (record.attempt_count, record.attempts.count(), record.key_id) == (0, 0, None)
    assert record.model == "sim/sim-small"
    assert Decimal(record.tags["cache_saved_usd"]) == saved
    assert record.tags["cache_saved_tokens"] == usage.total_tokens


def test_streams_and_whole_answers_fill_the_cache_for_each_other(caching):
    client = caching.client()
    streamed = client.chat.completions.with_raw_response.create(model="only", messages=HELLO, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed.parse())

    whole = ask(caching)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    told = client.chat.completions.with_raw_response.create(model="only", messages=HELLO, **options)
    chunks = list(told.parse())

    assert [cache_of(answer) for answer in (streamed, whole, told)] == ["miss", "hit", "hit"]
    assert whole.parse().choices[0].message.content == text
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == whole.parse().usage.total_tokens
    record = caching.record()
    assert (record.is_cache_hit, record.is_stream, record.status, record.cost_usd) == (True, True, "ok", 0)


def test_tool_calls_are_told_again_whole_and_streamed(caching):
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    given = {"tools": tools, "tool_choice": "required"}
    first = ask(caching, **given).parse().choices[0].message.tool_calls[0]

    streamed = ask(caching, **given, stream=True)
    pieces = [piece for chunk in streamed.parse() for piece in chunk.choices[0].delta.tool_calls or ()]

    assert cache_of(streamed) == "hit"
    assert [(piece.index, piece.id, piece.function.name) for piece in pieces] == [(0, first.id, "look")]
    assert pieces[0].function.arguments == first.function.arguments


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": [{"role": "user", "content": "Say goodbye"}]},
        {"temperature": 0.5},
        {"model": "safe"},
        {"extra_body": {"anything": 1}},
    ],
    ids=["messages", "temperature", "alias", "unknown field"],
)
def test_a_call_that_differs_is_no_repeat(caching, changes):
    ask(caching)

    assert cache_of(ask(caching, **changes)) == "miss"


def test_who_asks_makes_no_difference(caching):
    ask(caching, user="ann")

    assert cache_of(ask(caching, user="ben", extra_body={"prompt_cache_key": "b"})) == "hit"


def test_an_answer_is_shared_by_the_services_that_may_call_its_alias_and_by_no_other(caching):
    ask(caching)
    ask(caching, "safe")

    assert cache_of(ask(caching, key=caching.limited_key)) == "hit"
    with pytest.raises(openai.PermissionDeniedError):
        ask(caching, "safe", key=caching.limited_key)


def test_an_agent_keeps_answers_of_its_own(caching):
    ask(caching, "safe")

    assert cache_of(ask(caching, "agent:coder")) == "miss"
    assert cache_of(ask(caching, "agent:coder")) == "hit"


def test_a_new_version_of_the_config_begins_anew(caching):
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import update_alias

    ask(caching)
    before = caching.server.runtime.snapshot.version
    with change(by=system_actor("tests"), why="Shorter"):
        update_alias(Alias.objects.get(name="only"), params={"max_tokens": 5})
    eventually(lambda: caching.server.runtime.snapshot.version > before)

    assert cache_of(ask(caching)) == "miss"


def test_errors_and_cut_streams_are_not_kept(caching):
    caching.simulator.set("sim-small", status=503)
    with pytest.raises(openai.InternalServerError) as refused:
        ask(caching)
    caching.simulator.set("sim-small", cut_after=2)
    with pytest.raises(openai.APIError):
        list(ask(caching, stream=True).parse())
    caching.simulator.set("sim-small")

    assert refused.value.response.headers["x-llmadmin-cache"] == "miss"
    assert cache_of(ask(caching)) == "miss"


def test_models_called_by_their_own_name_are_never_answered_from_the_cache(caching):
    ask(caching, "sim/sim-small")

    assert cache_of(ask(caching, "sim/sim-small")) == "off"


def test_a_stream_of_several_answers_always_goes_to_the_provider(caching):
    first = ask(caching, stream=True, n=2)
    list(first.parse())

    again = ask(caching, stream=True, n=2)
    list(again.parse())

    assert (cache_of(first), cache_of(again)) == ("off", "off")


def test_a_call_that_nests_too_deep_for_a_cache_key_is_refused_and_leaves_no_open_record(caching):
    body = '{"model":"only","messages":[{"role":"user","content":"hi"}],"deep":' + "[" * 1010 + "]" * 1010 + "}"

    answer = httpx.post(
        f"{caching.server.gateway_url}/chat/completions", content=body, headers=caching.bearer(), timeout=30
    )

    assert answer.status_code == 400
    assert "can't be written as JSON" in answer.json()["error"]["message"]
    eventually(lambda: caching.server.runtime.journal.in_flight == 0)
