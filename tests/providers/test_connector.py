"""What a connector sends, and what it refuses to send."""

from __future__ import annotations

import pytest

from providers import (
    BaseConnector,
    ChatRequest,
    LLMProviderAuthenticationError,
    LLMProviderConfig,
    LLMProviderConnectionError,
    LLMProviderInvalidRequestError,
    create_provider,
)
from providers.base.provider import LLMProvider
from tests.providers.upstream import Upstream

REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}])
PONG = {"choices": [{"message": {"content": "pong"}, "finish_reason": "stop"}]}


def connector(kind: str = "openai", **settings: object) -> BaseConnector:
    return create_provider(kind, **{"api_key": "test-key-alpha", "max_retries": 0, **settings}).connector


def test_building_a_request_touches_no_network():
    request = connector(base_url="https://api.openai.com/v1/").build_request("POST", "/chat/completions", data={"a": 1})

    assert (request.method, str(request.url), request.content) == (
        "POST",
        "https://api.openai.com/v1/chat/completions",
        b'{"a":1}',
    )
    assert request.headers["host"] == "api.openai.com"
    assert request.headers["content-length"] == "7"


def test_options_that_are_headers_and_the_configs_own_headers_are_sent():
    request = connector(organization="org-x", project="proj-x", headers={"X-Team": "lab"}).build_request(
        "GET", "/models"
    )

    assert request.headers["openai-organization"] == "org-x"
    assert request.headers["openai-project"] == "proj-x"
    assert request.headers["x-team"] == "lab"


@pytest.mark.parametrize("name", ["Authorization", "Host", "Content-Length", "Transfer-Encoding", "Connection"])
def test_no_header_of_a_caller_replaces_the_key_or_the_host(name: str):
    made = connector(headers={name: "evil"})

    request = made.build_request("GET", "/models", headers={name: "evil"})

    assert "evil" not in request.headers.values()
    assert request.headers["authorization"] == "Bearer test-key-alpha"


def test_where_no_key_is_set_none_of_a_caller_is_passed_on():
    made = connector("local", api_key=None, base_url="http://127.0.0.1:9/v1", headers={"Authorization": "evil"})

    assert "authorization" not in made.build_request("GET", "/models", headers={"authorization": "evil"}).headers


@pytest.mark.parametrize("headers", [{"x-a": "b\r\nx-evil: 1"}, {"x a": "b"}, {"x-a": "€"}, {"": "b"}])
def test_a_header_that_could_split_the_request_is_refused(headers: dict[str, str]):
    with pytest.raises(LLMProviderInvalidRequestError, match="can't be sent"):
        connector().build_request("GET", "/models", headers=headers)


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "key\x00"])
def test_a_key_that_no_key_looks_like_is_refused_without_being_shown(key: str):
    with pytest.raises(LLMProviderAuthenticationError) as caught:
        connector(api_key=key).build_request("GET", "/models")

    assert key not in str(caught.value)


def test_white_space_around_a_pasted_key_does_no_harm():
    assert (
        connector(api_key=" test-key-alpha\n").build_request("GET", "/models").headers["authorization"]
        == "Bearer test-key-alpha"
    )


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.openai.com/v1",
        "ftp://host/v1",
        "https://",
        "https://user:pass@host/v1",
        "http://[::1",
        "file:///etc/passwd",
        "http://host/v1?x=1",
        "http://host/v1#x",
    ],
)
def test_a_base_url_that_cannot_be_called_is_said_to_be_one(base_url: str):
    made = BaseConnector(
        LLMProviderConfig(kind="local", base_url=base_url), metadata=create_provider("local").description
    )

    with pytest.raises(LLMProviderConnectionError) as caught:
        made.build_request("GET", "/models")

    assert (caught.value.code, caught.value.retryable) == ("address", False)
    assert "base URL" in caught.value.message


def test_a_body_that_is_no_json_is_the_callers_mistake():
    with pytest.raises(LLMProviderInvalidRequestError):
        connector().build_request("POST", "/x", data={"a": object()})


async def test_request_answers_with_parsed_json(upstream: Upstream):
    upstream.answer(200, {"a": [1]})
    made = connector("local", base_url=upstream.base_url)

    answer = await made.request("POST", "/anything", {"b": 2})

    await made.close()
    assert answer == {"a": [1]}
    assert (upstream.seen[0].path, upstream.seen[0].json) == ("/anything", {"b": 2})


# Direct calls retry; exchanges do not.


async def test_a_direct_call_asks_again_after_a_retryable_error(upstream: Upstream):
    upstream.answer(503, b"busy")
    upstream.answer(200, PONG)

    async with patient(upstream) as provider:
        response = await provider.chat_completion(REQUEST)

    assert response.text == "pong"
    assert len(upstream.seen) == 2


async def test_a_direct_stream_is_opened_again_while_nothing_has_come(upstream: Upstream):
    upstream.answer(503, b"busy")
    upstream.stream({"choices": [{"index": 0, "delta": {"content": "pong"}, "finish_reason": "stop"}]})

    async with patient(upstream) as provider:
        texts = [chunk.text async for chunk in provider.chat_completion_stream(REQUEST)]

    assert texts == ["pong"]
    assert len(upstream.seen) == 2


async def test_a_stream_that_breaks_later_is_not_opened_again(upstream: Upstream):
    upstream.stream({"choices": [{"index": 0, "delta": {"content": "po"}}]}, done=False)
    texts = []

    async with patient(upstream) as provider:
        with pytest.raises(Exception, match="ended before"):  # noqa: PT012 - what came before the error counts
            async for chunk in provider.chat_completion_stream(REQUEST):
                texts.append(chunk.text)  # noqa: PERF401

    assert texts == ["po"]
    assert len(upstream.seen) == 1


async def test_an_exchange_is_one_call(upstream: Upstream):
    upstream.answer(503, b"busy")

    async with patient(upstream) as provider:
        with pytest.raises(Exception, match="busy"):
            await provider.exchange_chat(REQUEST)

    assert len(upstream.seen) == 1


def patient(upstream: Upstream) -> LLMProvider:
    return create_provider(
        "local", base_url=upstream.base_url, max_retries=2, retry_delay_s=0.001, retry_max_delay_s=0.002
    )


# Health


@pytest.mark.parametrize(
    ("base_url", "step", "words"),
    [
        ("http://localhost:{port}/v1", "refused", "host.docker.internal"),
        ("http://no-such-host.invalid/v1", "dns", "does not resolve"),
        ("{https}", "tls", "http://"),
        ("http://169.254.169.254/v1", "address", "metadata"),
        ("nonsense", "address", "http://"),
    ],
)
async def test_g32_a_health_check_tells_the_steps_apart(upstream: Upstream, base_url: str, step: str, words: str):
    ready = base_url.format(port=9, https=upstream.base_url.replace("http", "https"))
    provider = create_provider("local", base_url=ready)

    report = await provider.health_check()

    await provider.shutdown()
    assert (report.is_healthy, report.step) == (False, step)
    assert words in report.message


async def test_g32_a_health_check_tells_a_wrong_path(upstream: Upstream):
    upstream.answer(404, b"not found")

    async with create_provider("local", base_url=upstream.base_url) as provider:
        report = await provider.health_check()

    assert report.step == "address"
    assert "/v1" in report.message


async def test_openrouters_open_model_list_is_not_taken_for_a_good_key(upstream: Upstream):
    upstream.answer(200, {"data": {"label": "x"}})

    async with create_provider("openrouter", api_key="test-key-alpha", base_url=upstream.base_url) as provider:
        await provider.health_check()

    assert upstream.seen[0].path == "/key"
