"""The manager end to end: real providers of the `local` and `openai` folders against a server on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from decimal import Decimal

import pytest

from providers import LLMProviderManager, ProviderType
from providers.config import ConfigError, LLMConfig, LLMModelConfig, UnknownNameError
from providers.errors import LLMProviderAuthenticationError, LLMProviderError, LLMProviderServiceError
from providers.llm_config import set_current_config
from providers.transport import close_transports
from tests.providers.upstream import Upstream, UpstreamServer

ERROR = {"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}}


def chat(text: str = "pong", *, tokens_in: int = 1_000, tokens_out: int = 500) -> dict:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "as-served",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }


def chunks(*texts: str) -> list[dict]:
    def chunk(**fields: object) -> dict:
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "as-served", **fields}

    def piece(delta: dict, finish: str | None = None) -> dict:
        return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])

    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return [
        piece({"role": "assistant", "content": ""}),
        *(piece({"content": text}) for text in texts),
        piece({}, "stop"),
        chunk(choices=[], usage=usage),
    ]


@pytest.fixture(autouse=True)
async def _connections_end_with_their_loop():
    yield
    await close_transports()


@pytest.fixture
def spare(upstream_server: UpstreamServer) -> Upstream:
    return upstream_server.new()


@pytest.fixture
def manager(upstream: Upstream, spare: Upstream) -> LLMProviderManager:
    config = LLMConfig(
        default_model="safe",
        providers={
            "openai": {"base_url": upstream.base_url, "api_key": "test-key-alpha", "max_retries": 0},
            "lab": {"kind": "local", "base_url": spare.base_url, "max_retries": 0},
            "ghost": {"kind": "no-such-folder", "base_url": "http://127.0.0.1:1"},
        },
        models=[
            {"name": "gpt", "provider": "openai", "price": {"input_usd_per_mtok": "2", "output_usd_per_mtok": "8"}},
            {"name": "llama", "provider": "lab", "max_tokens": 77},
            {"name": "phantom", "provider": "ghost"},
        ],
        aliases={
            "safe": {"targets": ["openai/gpt", "lab/llama"], "params": {"temperature": 0.2}},
            "haunted": ["ghost/phantom", "lab/llama"],
            "cached": {"targets": ["openai/gpt"], "cache_ttl_s": 60},
        },
        agents={"coder": {"alias": "safe", "params": {"seed": 3}, "headers": {"x-agent": "coder"}}},
    )
    return LLMProviderManager(config)


def test_a_prompt_is_answered_through_the_default_model(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())

    result = manager.call_model(prompt="ping", max_tokens=50)

    assert result["response"] == "pong"
    assert (result["model"], result["provider"], result["requested"]) == ("openai/gpt", "openai", "safe")
    assert result["usage"] == {
        "input_tokens": 1_000,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 500,
        "reasoning_tokens": 0,
    }
    assert result["cost_usd"] == Decimal("0.006")
    assert result["latency_ms"] > 0
    assert [attempt["status"] for attempt in result["attempts"]] == ["ok"]
    sent = upstream.seen[0]
    assert sent.headers["authorization"] == "Bearer test-key-alpha"
    assert (sent.json["model"], sent.json["temperature"], sent.json["max_tokens"]) == ("gpt", 0.2, 50)


async def test_sync_calls_work_inside_a_running_loop(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())

    assert manager.call_model("ping")["response"] == "pong"
    assert (await manager.acall_model("ping"))["response"] == "pong"


def test_the_next_target_answers_when_the_first_fails(upstream: Upstream, spare: Upstream, manager: LLMProviderManager):
    upstream.answer(503, ERROR)
    spare.answer(200, chat("from the lab"))

    result = manager.call_model("ping")

    assert (result["response"], result["model"]) == ("from the lab", "lab/llama")
    assert [(a["provider"], a["status"], a["upstream_status"]) for a in result["attempts"]] == [
        ("openai", "error", 503),
        ("lab", "ok", 200),
    ]
    assert result["cost_usd"] is None
    assert spare.seen[0].json["max_tokens"] == 77


def test_an_agent_brings_its_parameters_and_headers(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())

    manager.call_model("ping", model_name="agent:coder")

    assert upstream.seen[0].json["seed"] == 3
    assert upstream.seen[0].headers["x-agent"] == "coder"


def test_a_provider_that_cannot_be_made_leaves_the_rest_working(spare: Upstream, manager: LLMProviderManager):
    spare.answer(200, chat())

    result = manager.call_model("ping", model_name="haunted")

    assert result["model"] == "lab/llama"
    assert manager.get_provider_status("ghost")["status"] == "failed"
    assert "no-such-folder" in manager.get_provider_status("ghost")["reason"]


async def test_initialising_names_what_failed(manager: LLMProviderManager):
    failed = await manager.initialize()
    await manager.shutdown()

    assert list(failed) == ["ghost"]


def test_when_all_fail_the_error_tells_of_every_attempt(
    upstream: Upstream, spare: Upstream, manager: LLMProviderManager
):
    upstream.answer(503, ERROR)
    spare.answer(500, ERROR)

    with pytest.raises(LLMProviderServiceError) as caught:
        manager.call_model("ping")

    assert [attempt.upstream_status for attempt in caught.value.attempts] == [503, 500]


def test_a_stream_is_read_by_a_plain_loop_and_has_a_result(upstream: Upstream, manager: LLMProviderManager):
    upstream.stream(*chunks("po", "ng"))
    stream = manager.stream_model("ping")

    text = "".join(chunk.text for chunk in stream)

    assert text == "pong"
    assert stream.result is not None
    assert (stream.result["response"], stream.result["model"]) == ("pong", "openai/gpt")
    assert stream.result["usage"]["output_tokens"] == 2
    assert stream.result["cost_usd"] == Decimal("0.000036")


async def test_a_stream_is_read_by_an_async_loop_and_falls_back(
    upstream: Upstream, spare: Upstream, manager: LLMProviderManager
):
    upstream.answer(503, ERROR)
    spare.stream(*chunks("po", "ng"))
    stream = manager.stream_model(messages=[{"role": "user", "content": "ping"}])

    texts = [chunk.text async for chunk in stream]

    assert "".join(texts) == "pong"
    assert stream.result is not None
    assert [attempt["status"] for attempt in stream.result["attempts"]] == ["error", "ok"]


def test_a_cut_stream_ends_in_an_error(upstream: Upstream, manager: LLMProviderManager):
    upstream.stream(*chunks("po")[:2], done=False, cut=True)
    stream = manager.stream_model("ping")

    with pytest.raises(LLMProviderError):
        list(stream)

    assert stream.result is None


async def test_leaving_a_stream_early_hangs_up_at_the_vendor(upstream: Upstream, manager: LLMProviderManager):
    go_on = threading.Event()

    def events():
        yield b"data: " + json.dumps(chunks("po")[1]).encode() + b"\n\n"
        go_on.wait(timeout=20)
        while not upstream.hung_up.is_set():
            yield b": still here" + b" " * 100_000 + b"\n\n"

    upstream.answer(headers={"content-type": "text/event-stream"}, pieces=events())
    stream = manager.stream_model("ping")

    first = await anext(aiter(stream))
    await stream.aclose()
    go_on.set()

    assert first.text == "po"
    assert await asyncio.to_thread(upstream.hung_up.wait, 20)


def test_a_batch_keeps_the_order_and_a_failure_leaves_the_others(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())
    seen: list[tuple[int, int]] = []

    results = manager.batch(
        ["one", {"prompt": "two", "model_name": "openai/gpt"}, {"prompt": "three", "model": "unknown"}],
        concurrency=2,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert [result["response"] for result in results] == ["pong", "pong", None]
    assert isinstance(results[2]["error"], UnknownNameError)
    assert seen[-1] == (3, 3)
    assert len(results) == 3


async def test_a_batch_can_be_awaited(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())

    assert [result["response"] for result in await manager.batch(["one", "two"])] == ["pong", "pong"]
    assert [result["response"] for result in await manager.abatch(["one"])] == ["pong"]


async def test_a_batch_never_has_more_calls_in_flight_than_allowed(manager: LLMProviderManager, monkeypatch):
    in_flight, highest = 0, 0

    async def slow_call(**_: object) -> dict:
        nonlocal in_flight, highest
        in_flight += 1
        highest = max(highest, in_flight)
        await asyncio.sleep(0)
        in_flight -= 1
        return {}

    monkeypatch.setattr(manager, "acall_model", slow_call)

    await manager.abatch(["x"] * 20, concurrency=3)

    assert highest == 3


def test_equal_calls_of_a_caching_alias_are_answered_from_memory(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())
    first = manager.call_model("ping", model_name="cached")
    second = manager.call_model("ping", model_name="cached")
    manager.call_model("something else", model_name="cached")

    assert (first["cached"], second["cached"]) == (False, True)
    assert (second["response"], second["cost_usd"], second["attempts"]) == ("pong", 0, [])
    assert second["model"] == "openai/gpt"
    assert len(upstream.seen) == 2


def test_models_are_listed_and_the_default_can_be_set(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, chat())

    manager.set_default_model("gpt")

    assert [model.name for model in manager.get_available_models()] == ["gpt", "llama", "phantom"]
    assert manager.call_model("ping")["requested"] == "gpt"
    with pytest.raises(UnknownNameError):
        manager.set_default_model("nothing")


def test_a_model_with_an_address_of_its_own_can_be_added(spare: Upstream, manager: LLMProviderManager):
    spare.answer(200, chat())

    manager.add_model(
        LLMModelConfig(
            name="custom-model",
            provider=ProviderType.LOCAL,
            api_url=f"{spare.base_url}/models/custom",
            api_key="test-key-beta",
            max_tokens=2048,
            temperature=0.5,
        )
    )
    result = manager.call_model("ping", model_name="custom-model")

    assert result["model"] == "local/custom-model"
    assert spare.seen[0].path == "/models/custom/chat/completions"
    assert spare.seen[0].headers["authorization"] == "Bearer test-key-beta"
    assert (spare.seen[0].json["max_tokens"], spare.seen[0].json["temperature"]) == (2048, 0.5)


def test_a_model_that_cannot_be_is_refused(manager: LLMProviderManager):
    with pytest.raises(ConfigError):
        manager.add_model({"name": "x"})


def test_a_provider_can_be_pointed_elsewhere(spare: Upstream, manager: LLMProviderManager):
    spare.answer(200, chat())

    manager.update_provider_config(
        ProviderType.OPENAI, {"api_base": spare.base_url, "organization": "new-org", "api_key": "test-key-gamma"}
    )
    manager.call_model("ping")

    openai = manager.config.providers["openai"]
    assert (openai.base_url, openai.options["organization"], openai.max_retries) == (spare.base_url, "new-org", 0)
    assert spare.seen[0].headers["authorization"] == "Bearer test-key-gamma"
    assert [key.api_key for key in openai.keys] == ["test-key-gamma"]


def test_the_status_of_a_provider_says_what_went_wrong(upstream: Upstream, manager: LLMProviderManager):
    before = manager.get_provider_status(ProviderType.OPENAI)
    upstream.answer(401, {"error": {"message": "bad key", "type": "x", "param": None, "code": "invalid_api_key"}})
    with pytest.raises(LLMProviderAuthenticationError):
        manager.call_model("ping", model_name="openai/gpt")

    after = manager.get_provider_status("openai")

    assert (before["status"], before["has_api_key"], before["models"]) == ("ok", True, ["gpt"])
    assert after["status"] == "degraded"
    assert "bad key" in after["reason"]
    assert "test-key-alpha" not in repr(after)


def test_a_provider_can_be_checked_with_a_free_call(upstream: Upstream, manager: LLMProviderManager):
    upstream.answer(200, {"object": "list", "data": []})

    report = manager.check_provider("openai")

    assert (report["is_healthy"], report["step"]) == (True, "ok")
    assert upstream.seen[0].path == "/models"


def test_a_key_missing_in_the_config_is_taken_from_the_environment(upstream: Upstream, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-delta")
    upstream.answer(200, chat())
    config = LLMConfig(
        providers={"openai": {"base_url": upstream.base_url, "default_model": "gpt"}}, default_provider="openai"
    )

    LLMProviderManager(config).call_model("ping")

    assert upstream.seen[0].headers["authorization"] == "Bearer test-key-delta"


def test_without_a_config_the_manager_follows_the_one_of_the_process(upstream: Upstream):
    upstream.answer(200, chat())

    def pointing_at(model: str) -> LLMConfig:
        provider = {"kind": "local", "base_url": upstream.base_url}
        return LLMConfig(
            providers={"lab": provider}, models=[LLMModelConfig(model, "lab")], aliases={"fast": f"lab/{model}"}
        )

    set_current_config(pointing_at("one"))
    try:
        follower = LLMProviderManager()
        before = follower.call_model("ping", model_name="fast")
        set_current_config(pointing_at("two"))
        after = follower.call_model("ping", model_name="fast")
    finally:
        set_current_config(None)

    assert (before["model"], after["model"]) == ("lab/one", "lab/two")


@pytest.mark.parametrize("arguments", [{}, {"prompt": "a", "messages": []}])
def test_a_call_needs_a_prompt_or_messages(manager: LLMProviderManager, arguments):
    with pytest.raises(ValueError, match="either a prompt or messages"):
        manager.call_model(**arguments)


def test_without_any_provider_the_error_says_what_to_do():
    with pytest.raises(UnknownNameError, match="Set OPENAI_API_KEY"):
        LLMProviderManager(LLMConfig()).call_model("ping")
