"""Aliases that are to go: what their callers are told, and what happens after their sunset."""

from __future__ import annotations

import datetime as dt

import httpx
import openai
import pytest

from tests.gateway.conftest import eventually

HELLO = [{"role": "user", "content": "Say hello"}]
SINCE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
FAR_AWAY = dt.datetime(2126, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def retired(setting, **fields) -> None:
    """Deprecate the alias `only`, and wait until the gateway runs on it."""
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.models import Alias
    from llmadmin.routing.services import update_alias

    with change(by=system_actor("tests"), why="Clear up") as made:
        update_alias(Alias.objects.get(name="only"), **{"deprecated": "It is slow.", "deprecated_at": SINCE, **fields})
    eventually(lambda: setting.server.runtime.snapshot.version >= made.version)


def headers_of(setting, **options) -> httpx.Headers:
    create = setting.client().chat.completions.with_raw_response.create
    answer = create(model="only", messages=HELLO, **options)
    return answer.headers


def test_a_deprecated_alias_answers_and_says_so_in_the_standard_headers(live):
    retired(live, replacement="safe", sunset_at=FAR_AWAY)

    headers = headers_of(live)

    assert headers["deprecation"] == f"@{int(SINCE.timestamp())}"
    assert headers["sunset"] == "Wed, 02 Jan 2126 03:04:05 GMT"
    assert headers["link"] == '</v1/models/safe>; rel="successor-version"'
    assert headers["x-llmadmin-replacement"] == "safe"


def test_a_stream_and_a_failed_call_say_it_too(live):
    retired(live)
    create = live.client().chat.completions.with_raw_response.create

    stream = create(model="only", messages=HELLO, stream=True)
    list(stream.parse())
    live.simulator.set("sim-small", status=503)
    with pytest.raises(openai.APIStatusError) as failed:
        headers_of(live)

    assert stream.headers["deprecation"] == failed.value.response.headers["deprecation"]


def test_an_agent_on_a_deprecated_alias_is_told_as_well(live):
    from llmadmin.accounts.actors import system_actor
    from llmadmin.config.services import change
    from llmadmin.routing.services import create_agent

    with change(by=system_actor("tests")):
        create_agent(name="clerk", alias="only")
    retired(live)

    create = live.client().chat.completions.with_raw_response.create
    assert "deprecation" in create(model="agent:clerk", messages=HELLO).headers


def test_others_are_told_nothing(live):
    headers = headers_of(live)

    assert not {"deprecation", "sunset", "link", "x-llmadmin-replacement"} & set(headers)


def test_past_its_sunset_an_alias_still_answers_where_it_was_not_told_to_refuse(live):
    retired(live, sunset_at=LONG_AGO)

    assert headers_of(live)["sunset"] == "Fri, 02 Jan 2026 03:04:05 GMT"


def test_one_that_was_told_to_refuse_answers_410_and_names_the_replacement(live):
    retired(live, sunset_at=LONG_AGO, after_sunset="refuse", replacement="safe")

    with pytest.raises(openai.APIStatusError) as refused:
        headers_of(live)

    answer = refused.value.response
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "alias_ended"
    assert answer.json()["error"]["message"] == "The alias 'only' ended on 2026-01-02. Use 'safe' instead."
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-llmadmin-replacement"] == "safe"


def test_without_a_replacement_the_note_is_said(live):
    retired(live, sunset_at=LONG_AGO, after_sunset="refuse")

    with pytest.raises(openai.APIStatusError, match=r"ended on 2026-01-02\. It is slow\."):
        headers_of(live)


def test_until_its_sunset_it_answers(live):
    retired(live, sunset_at=FAR_AWAY, after_sunset="refuse")

    assert headers_of(live)["x-llmadmin-alias"] == "only"


def test_what_has_ended_is_no_longer_listed(live):
    assert "only" in [model.id for model in live.client().models.list()]

    retired(live, sunset_at=LONG_AGO, after_sunset="refuse")

    assert "only" not in [model.id for model in live.client().models.list()]
    with pytest.raises(openai.APIStatusError) as refused:
        live.client().models.retrieve("only")
    assert refused.value.status_code == 410
