"""Which key a call takes: never an expired one or one at its limit, a draining one only where no other can be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from providers.config import LLMConfig
from providers.errors import LLMProviderAuthenticationError, LLMProviderRateLimitError
from providers.fleet import Fleet
from providers.health import Circuit
from providers.plan import PlannedKey, PlannedTarget
from providers.quotas import WINDOW_S, Load
from providers.router import Router
from providers.types import ChatChunk, Usage
from tests.providers.scripted import CHAT, Clock, ScriptedProvider, plan, reveal, router, target

UNAUTHORISED = LLMProviderAuthenticationError("bad key", status=401)


def key(name: str, **fields: object) -> PlannedKey:
    return PlannedKey(name, label=name, reveal=reveal(f"secret-{name}"), **fields)


def over(provider: ScriptedProvider, *keys: PlannedKey, no_key: str = "") -> PlannedTarget:
    return replace(target(provider), keys=keys, no_key=no_key)


def used(outcome: object) -> list[str | None]:
    return [attempt.key_id for attempt in outcome.attempts]


async def test_a_draining_key_waits_until_no_other_can_answer():
    provider = ScriptedProvider("one", UNAUTHORISED, "two", "three", max_retries=0)
    keys = (key("old", reserve=1, weight=1000), key("new"))
    routes, asked = router(Clock()), plan(over(provider, *keys))

    calm = await routes.execute(asked, CHAT)
    failing = await routes.execute(asked, CHAT)
    cooling = await routes.execute(asked, CHAT)

    assert [used(calm), used(failing), used(cooling)] == [["new"], ["new", "old"], ["old"]]


async def test_a_key_is_not_taken_from_the_moment_on_at_which_it_expires():
    clock = Clock()
    provider = ScriptedProvider("one", "two", max_retries=0)
    ends_s = clock.now().timestamp() + 10
    routes, asked = router(clock), plan(over(provider, key("short", expires_s=ends_s), key("long", reserve=1)))

    before = await routes.execute(asked, CHAT)
    await clock.sleep(10)
    after = await routes.execute(asked, CHAT)

    assert [used(before), used(after)] == [["short"], ["long"]]


async def test_a_provider_whose_keys_have_all_expired_is_not_asked_and_nobody_is_blamed():
    clock = Clock()
    provider, fallback = ScriptedProvider("never", name="first"), ScriptedProvider("pong", name="second")
    routes = router(clock)

    outcome = await routes.execute(plan(over(provider, key("gone", expires_s=1.0)), target(fallback)), CHAT)

    assert outcome.response.text == "pong"
    assert provider.calls == []
    (unasked, _) = outcome.attempts
    assert (unasked.key_id, unasked.error_class, unasked.upstream_status) == (None, "authentication", None)
    assert unasked.message == "The API key 'gone' of first has expired. Rotate it."
    assert routes.health.snapshot() == []


async def test_a_target_without_a_key_for_its_model_says_so_instead_of_calling_without_one():
    provider = ScriptedProvider("never", name="first")

    with pytest.raises(LLMProviderAuthenticationError, match="No key of first is for this model") as refused:
        await router(Clock()).execute(plan(over(provider, no_key="No key of first is for this model.")), CHAT)

    assert refused.value.code == "no_usable_key"
    assert provider.calls == []


async def test_a_key_at_its_limit_of_calls_is_passed_over_until_a_minute_has_gone():
    clock = Clock()
    provider = ScriptedProvider(*["pong"] * 5, max_retries=0)
    routes = router(clock)
    asked = plan(over(provider, key("limited", calls_per_minute=2), key("free", reserve=1)))

    now = [used(await routes.execute(asked, CHAT)) for _ in range(3)]
    await clock.sleep(WINDOW_S + 1)
    later = used(await routes.execute(asked, CHAT))

    assert now == [["limited"], ["limited"], ["free"]]
    assert later == ["limited"]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_tokens_of_an_answer_count_against_its_keys_limit(is_stream):
    usage = Usage(input_tokens=60, cached_input_tokens=30, output_tokens=10)
    provider = Metered(usage, name="first")
    routes = router(Clock())
    asked = plan(over(provider, key("limited", tokens_per_minute=100), key("free", reserve=1)))

    first = await _call(routes, asked, is_stream=is_stream)
    second = await _call(routes, asked, is_stream=is_stream)

    assert [first, second] == [["limited"], ["free"]]
    assert routes.quotas.loads() == {"limited": Load(calls=1, tokens=100)}


async def test_the_tokens_of_a_stream_that_is_left_early_count_as_far_as_they_were_told():
    provider = Metered(Usage(input_tokens=7), Usage(input_tokens=7, output_tokens=5), name="first")
    routes = router(Clock())
    stream = routes.execute_stream(plan(over(provider, key("limited", tokens_per_minute=100))), CHAT)

    async with stream:
        async for chunk in stream:
            if chunk.usage is not None:
                break

    assert routes.quotas.loads()["limited"].tokens == 7
    assert provider.closed == 1


async def test_where_every_key_is_at_its_limit_another_target_answers_first():
    provider, fallback = ScriptedProvider("one", name="first"), ScriptedProvider("two", name="second")
    routes = router(Clock())
    asked = plan(over(provider, key("limited", calls_per_minute=1)), target(fallback))

    outcomes = [await routes.execute(asked, CHAT) for _ in range(2)]

    assert [outcome.target.provider_name for outcome in outcomes] == ["first", "second"]
    assert [len(outcome.attempts) for outcome in outcomes] == [1, 1]


async def test_without_another_target_the_caller_hears_when_there_is_room_again():
    clock = Clock()
    provider = ScriptedProvider("one", max_retries=0, name="first")
    routes = router(clock)
    asked = plan(over(provider, key("limited", calls_per_minute=1)))
    await routes.execute(asked, CHAT)
    await clock.sleep(20)

    with pytest.raises(LLMProviderRateLimitError, match="at the limit that was set for it") as refused:
        await routes.execute(asked, CHAT)

    assert refused.value.code == "key_limit_reached"
    assert refused.value.retry_after_s == pytest.approx(WINDOW_S - 20, abs=1)
    assert len(provider.calls) == 1
    assert routes.health.state(Circuit("key", "limited")) == "closed"


async def test_what_other_processes_sent_counts_until_they_are_silent():
    clock = Clock()
    provider = ScriptedProvider("one", "two", max_retries=0)
    routes = router(clock)
    asked = plan(over(provider, key("limited", calls_per_minute=5), key("free", reserve=1)))

    routes.quotas.note_elsewhere("limited", Load(calls=5), for_s=10)
    busy = await routes.execute(asked, CHAT)
    await clock.sleep(10)
    silent = await routes.execute(asked, CHAT)

    assert [used(busy), used(silent)] == [["free"], ["limited"]]
    assert routes.quotas.loads()["limited"] == Load(calls=1)


async def test_keys_without_limits_leave_no_trace():
    routes = router(Clock())

    await routes.execute(plan(over(ScriptedProvider("pong"), key("free"))), CHAT)

    assert routes.quotas.loads() == {}


async def test_a_config_on_its_own_gives_its_keys_the_same_rules():
    config = LLMConfig.from_document(
        {
            "providers": {
                "lab": {
                    "kind": "local",
                    "base_url": "http://127.0.0.1:9/v1",
                    "keys": [
                        {"label": "a", "api_key": "test-key-a", "allowed_models": ["small"], "calls_per_minute": 7},
                        {"label": "b", "api_key": "test-key-b", "allowed_models": ["large"], "state": "draining"},
                    ],
                }
            },
            "models": {f"lab/{name}": {"provider": "lab", "name": name} for name in ("small", "large", "other")},
        }
    )

    targets = {
        name: Fleet(config).plan(config.resolve(f"lab/{name}")).targets[0] for name in ("small", "large", "other")
    }

    assert [(one.label, one.calls_per_minute, one.reserve) for one in targets["small"].keys] == [("a", 7, 0)]
    assert [(one.label, one.reserve) for one in targets["large"].keys] == [("b", 1)]
    assert (targets["other"].keys, targets["other"].no_key) == ((), "No API key of lab may be used for other.")


def test_a_key_of_a_document_is_written_as_it_was_read():
    written = {
        "id": "k",
        "label": "main",
        "weight": 2,
        "calls_per_minute": 60,
        "tokens_per_minute": 9000,
        "source_ref": "env:LAB_KEY",
        "state": "draining",
        "allowed_models": ["small"],
        "expires_at": "2030-01-31T12:00:00Z",
    }
    document = {"providers": {"lab": {"kind": "local", "base_url": "http://127.0.0.1:9/v1", "keys": [written]}}}

    config = LLMConfig.from_document(document)

    assert config.providers["lab"].keys[0].expires_at == datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert config.to_document()["providers"]["lab"]["keys"] == [written]
    assert config.hash != LLMConfig.from_document(_with(document, calls_per_minute=61)).hash
    assert config.hash == LLMConfig.from_document(_with(document, id="other")).hash


def _with(document: dict[str, object], **changes: object) -> dict[str, object]:
    lab = document["providers"]["lab"]
    return {"providers": {"lab": {**lab, "keys": [{**lab["keys"][0], **changes}]}}}


class Metered(ScriptedProvider):
    """Answers every call, and says what it used: plainly, or as a count that grows along the stream."""

    def __init__(self, *counts: Usage, name: str) -> None:
        super().__init__(name=name)
        self.counts = counts
        self.closed = 0

    async def exchange_chat(self, request, *, api_key=None, timeout_s=None):
        response = await ScriptedProvider("pong", name=self.name).exchange_chat(request)
        response.usage = self.counts[-1]
        return response

    async def exchange_chat_stream(self, request, *, api_key=None, timeout_s=None):
        try:
            yield ChatChunk(text="po")
            for count in self.counts:
                yield ChatChunk(text="ng", usage=count)
        finally:
            self.closed += 1


async def _call(routes, asked, *, is_stream: bool) -> list[str | None]:
    if not is_stream:
        return used(await routes.execute(asked, CHAT))
    stream = routes.execute_stream(asked, CHAT)
    async with stream:
        async for _ in stream:
            pass
    return used(stream)


async def test_a_call_whose_keys_were_all_revoked_meanwhile_takes_one_that_came_into_use_since():
    provider = ScriptedProvider(UNAUTHORISED, "pong", max_retries=0)
    asked_for = []

    async def renew(target: PlannedTarget) -> list[PlannedKey]:
        asked_for.append(target.name)
        return [key("old"), key("new")]

    outcome = await Router(renew=renew).execute(plan(over(provider, key("old"))), CHAT)

    assert used(outcome) == ["old", "new"]
    assert asked_for == ["scripted/m"]


async def test_the_same_key_with_another_text_is_another_chance_and_the_same_text_is_none():
    provider = ScriptedProvider(UNAUTHORISED, max_retries=0)
    editions = iter(["first", "first"])

    async def renew(target: PlannedTarget) -> list[PlannedKey]:
        return [key("only", edition=next(editions))]

    for edition, tries in (("zeroth", 2), ("first", 1)):
        with pytest.raises(LLMProviderAuthenticationError) as refused:
            await Router(renew=renew).execute(plan(over(provider, key("only", edition=edition))), CHAT)
        assert len(refused.value.attempts) == tries


async def test_keys_are_not_looked_for_again_over_one_that_is_known_to_have_failed():
    async def renew(target: PlannedTarget) -> list[PlannedKey]:
        raise AssertionError("nobody should have asked")

    with pytest.raises(LLMProviderAuthenticationError):
        await Router(renew=renew).execute(plan(over(ScriptedProvider(UNAUTHORISED), key("bad", reserve=2))), CHAT)
