"""What every provider keeps to, whoever wrote its folder: one suite over all that the registry finds, and over a folder
that a test drops into a temporary place."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from providers import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    LLMProviderAuthenticationError,
    LLMProviderConfig,
    LLMProviderError,
    LLMProviderInvalidRequestError,
    LLMProviderModelError,
    LLMProviderRateLimitError,
    LLMProviderResourceExhaustedError,
    LLMProviderServiceError,
    LLMProviderTimeoutError,
    ProviderRegistry,
    Usage,
)
from providers.base.models import load_models
from providers.base.provider import LLMProvider
from providers.registry import get_registry
from tests.providers.contract.dialects import DIALECTS, Dialect
from tests.providers.upstream import Upstream

KEY = "test-key-alpha-0123456789"
REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "ping"}], max_tokens=5)
DROPPED_IN = "acme"
METADATA_OF_ACME = '''"""A provider that nobody has heard of."""

from providers.base.metadata import CredentialField, OptionField, ProviderMetadata

METADATA = ProviderMetadata(
    slug="acme",
    label="Acme",
    docs_url="https://acme.test/docs",
    base_url="https://api.acme.test/v1",
    credentials=(CredentialField(env=("ACME_API_KEY",)),),
    options=(OptionField(name="region", label="Region", header="x-acme-region", help="Where it runs."),),
    auth_header="x-acme-key",
    auth_scheme="",
    capabilities=frozenset({"chat", "stream", "models"}),
)
'''


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> ProviderRegistry:
    """The folders of this package, and one dropped into a directory of its own. Nothing else is told of it."""
    folder = tmp_path_factory.mktemp("folders") / DROPPED_IN
    folder.mkdir()
    (folder / "metadata.py").write_text(METADATA_OF_ACME, encoding="utf-8")
    registry = ProviderRegistry(paths=[folder.parent])
    registry.discover()
    return registry


@pytest.fixture(params=[*get_registry().slugs(), DROPPED_IN])
def slug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def dialect(registry: ProviderRegistry, slug: str) -> Dialect:
    return DIALECTS[registry.metadata(slug).dialect]


@pytest.fixture
async def provider(registry: ProviderRegistry, slug: str, upstream: Upstream):
    config = LLMProviderConfig(kind=slug, api_key=KEY, base_url=upstream.base_url, max_retries=0)
    async with registry.create(config) as provider:
        yield provider


def test_the_folder_that_was_dropped_in_is_found(registry: ProviderRegistry):
    assert DROPPED_IN in registry.slugs()
    assert registry.broken == {}


def test_the_metadata_is_complete(registry: ProviderRegistry, slug: str):
    metadata = registry.metadata(slug)

    assert metadata.slug == slug
    assert metadata.label
    assert metadata.docs_url.startswith("https://")
    assert {"chat", "stream"} <= metadata.capabilities
    assert metadata.base_url is None or metadata.base_url.startswith(("https://", "http://127.0.0.1"))
    assert all(credential.env for credential in metadata.credentials)
    assert all(option.label and option.help for option in metadata.options)
    assert all(option.choices for option in metadata.options if option.type == "choice")
    names = [field.name for field in (*metadata.credentials, *metadata.options)]
    assert len(names) == len(set(names))


def test_the_models_are_readable_and_priced_with_a_day(registry: ProviderRegistry, slug: str):
    catalogue = load_models(registry.folder(slug).path)

    for entry in catalogue.models.values():
        assert entry.capabilities
        assert all(price.input_usd_per_mtok is not None and price.input_usd_per_mtok >= 0 for price in entry.prices)
        assert len({price.effective_from for price in entry.prices}) == len(entry.prices)


def test_the_requirements_name_the_key_and_its_variable(registry: ProviderRegistry, slug: str):
    metadata = registry.metadata(slug)
    requirements = registry.create(LLMProviderConfig(kind=slug)).get_config_requirements()

    assert requirements.provider == slug
    assert ("api_key" in requirements.required) is metadata.needs_key
    assert ("base_url" in requirements.required) is (metadata.base_url is None)
    assert requirements.env["api_key"] == metadata.credentials[0].env[0]
    assert set(requirements.missing_in({})) == set(requirements.required)


async def test_a_plain_call_carries_the_key_and_is_answered(
    provider: LLMProvider, dialect: Dialect, upstream: Upstream
):
    upstream.answer(200, dialect.answer)

    response = await provider.chat_completion(REQUEST)

    metadata = provider.description
    assert metadata.chat_path.format(model=REQUEST.model) in upstream.seen[0].path
    assert upstream.seen[0].headers[metadata.auth_header] == f"{metadata.auth_scheme} {KEY}".strip()
    assert upstream.seen[0].headers["content-type"] == "application/json"
    assert (response.text, response.finish_reason, response.provider) == ("pong", "stop", provider.name)
    assert response.usage == Usage(input_tokens=3, output_tokens=1)
    assert response.raw == dialect.answer
    assert response.latency_ms > 0


async def test_a_key_given_with_the_call_replaces_the_configured_one(
    provider: LLMProvider, dialect: Dialect, upstream: Upstream
):
    upstream.answer(200, dialect.answer)

    await provider.chat_completion(REQUEST, api_key="test-key-beta")

    assert "test-key-beta" in upstream.seen[0].headers[provider.description.auth_header]


async def test_what_another_vendor_added_to_a_call_reaches_only_a_server_that_takes_it(
    provider: LLMProvider, dialect: Dialect, upstream: Upstream
):
    upstream.answer(200, dialect.answer)
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"acme": {"signature": "c2lnbmVk"}},
    }
    messages = [
        *REQUEST.messages,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]

    if "tools" in provider.description.capabilities:
        await provider.chat_completion(ChatRequest(model="m", messages=messages, tools=tools))

    takes_it = provider.description.dialect == "openai" and provider.description.takes_extra_content
    assert all((b"c2lnbmVk" in seen.body) is takes_it for seen in upstream.seen)


async def test_a_stream_adds_up_to_the_same_answer(provider: LLMProvider, dialect: Dialect, upstream: Upstream):
    upstream.answer(200, headers={"content-type": "text/event-stream"}, pieces=dialect.stream)

    chunks = [chunk async for chunk in provider.chat_completion_stream(REQUEST)]

    assert dialect.asks_to_stream(upstream.seen[0].path, upstream.seen[0].json)
    assert "".join(chunk.text for chunk in chunks) == "pong"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(input_tokens=3, output_tokens=1)]


async def test_one_body_where_a_stream_was_asked_for_is_the_answer(
    provider: LLMProvider, dialect: Dialect, upstream: Upstream
):
    upstream.answer(200, dialect.answer)

    chunks = [chunk async for chunk in provider.chat_completion_stream(REQUEST)]

    assert "".join(chunk.text for chunk in chunks) == "pong"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(input_tokens=3, output_tokens=1)]


async def test_g20_a_stream_that_is_cut_ends_in_an_error(provider: LLMProvider, dialect: Dialect, upstream: Upstream):
    upstream.answer(200, pieces=dialect.stream[:1])

    error = await failure(provider, is_stream=True)

    assert isinstance(error, LLMProviderServiceError)
    assert error.code == "stream_cut"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, LLMProviderInvalidRequestError),
        (401, LLMProviderAuthenticationError),
        (402, LLMProviderResourceExhaustedError),
        (403, LLMProviderAuthenticationError),
        (404, LLMProviderModelError),
        (408, LLMProviderTimeoutError),
        (422, LLMProviderInvalidRequestError),
        (429, LLMProviderRateLimitError),
        (500, LLMProviderServiceError),
        (503, LLMProviderServiceError),
        (504, LLMProviderTimeoutError),
        (529, LLMProviderServiceError),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_g21_a_failure_keeps_the_status_and_the_vendors_words(
    provider: LLMProvider,
    dialect: Dialect,
    upstream: Upstream,
    status: int,
    expected: type[LLMProviderError],
    is_stream: bool,
):
    headers = {"content-type": "application/json", "x-request-id": "req-1", "retry-after": "7"}
    upstream.answer(status, dialect.error("Not today."), headers=headers)

    error = await failure(provider, is_stream=is_stream)

    assert type(error) is expected
    assert (error.status, error.message, error.request_id, error.retry_after_s) == (status, "Not today.", "req-1", 7.0)
    assert (error.provider, error.model) == (provider.name, "m")


async def test_an_error_with_status_200_is_an_error(provider: LLMProvider, dialect: Dialect, upstream: Upstream):
    upstream.answer(200, dialect.error("Not today."))

    assert (await failure(provider, is_stream=False)).message == "Not today."
    assert (await failure(provider, is_stream=True)).message == "Not today."


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[]", b'"text"', b'{"choices": '])
async def test_an_answer_that_is_none_is_a_service_error(provider: LLMProvider, upstream: Upstream, body: bytes):
    upstream.answer(200, body)

    error = await failure(provider, is_stream=False)

    assert isinstance(error, LLMProviderServiceError)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_g09_no_error_holds_the_key(provider: LLMProvider, dialect: Dialect, upstream: Upstream, is_stream: bool):
    words = f"Wrong key {KEY}, sent as Authorization: Bearer {KEY}"
    upstream.answer(401, dialect.error(words), headers={"content-type": "application/json", "x-request-id": KEY})

    error = await failure(provider, is_stream=is_stream)

    told = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    assert not [text for text in told if KEY in text]


async def test_a_vendor_without_embeddings_or_completions_says_so_before_any_call(
    provider: LLMProvider, upstream: Upstream
):
    calls: dict[str, Any] = {
        "embeddings": lambda: provider.embed(EmbeddingRequest(model="m", input=["a"])),
        "completions": lambda: provider.text_completion(CompletionRequest(model="m", prompt="a")),
    }
    for capability, call in calls.items():
        if capability in provider.description.capabilities:
            continue
        with pytest.raises(LLMProviderInvalidRequestError) as caught:
            await call()
        assert provider.description.label in caught.value.message
    assert upstream.seen == []


WISHES: dict[str, dict[str, Any]] = {
    "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
    "json": {"response_format": {"type": "json_object"}},
    "vision": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    "audio": {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
    "documents": {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:,"}}]}]},
}


async def test_a_chat_that_needs_what_the_vendor_lacks_is_refused_before_any_call(
    provider: LLMProvider, upstream: Upstream
):
    for capability in WISHES.keys() - provider.description.capabilities:
        request = ChatRequest(**{"model": "m", "messages": REQUEST.messages, **WISHES[capability]})

        with pytest.raises(LLMProviderInvalidRequestError):
            await provider.chat_completion(request)
        with pytest.raises(LLMProviderInvalidRequestError):
            await anext(provider.chat_completion_stream(request))

    assert upstream.seen == []


async def test_the_models_are_listed(provider: LLMProvider, dialect: Dialect, upstream: Upstream):
    upstream.answer(200, dialect.models)

    assert [model.name for model in await provider.list_models()] == ["m"]
    assert upstream.seen[0].method == "GET"


async def test_g22_a_health_check_is_one_free_call(provider: LLMProvider, dialect: Dialect, upstream: Upstream):
    upstream.answer(200, dialect.models)

    report = await provider.health_check()

    assert (report.is_healthy, report.step) == (True, "ok")
    assert [seen.method for seen in upstream.seen] == ["GET"]


async def test_g32_a_health_check_tells_a_bad_key(provider: LLMProvider, dialect: Dialect, upstream: Upstream):
    upstream.answer(401, dialect.error("No."))

    report = await provider.health_check()

    assert (report.is_healthy, report.step) == (False, "key")
    assert "API key" in report.message


async def test_a_missing_key_is_said_at_the_start(registry: ProviderRegistry, slug: str):
    provider = registry.create(LLMProviderConfig(kind=slug, base_url="http://127.0.0.1:9"))

    if registry.metadata(slug).needs_key:
        with pytest.raises(LLMProviderAuthenticationError, match="needs an API key"):
            await provider.initialize()
    else:
        await provider.initialize()


def test_reading_metadata_imports_no_connector():
    code = (
        "import sys; from providers.registry import get_registry; registry = get_registry();"
        "[registry.metadata(slug) for slug in registry.slugs()];"
        "print([name for name in sys.modules if name.endswith('.connector') or name in ('aiohttp', 'django', 'yaml')])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )

    assert printed.stdout.strip() == "[]"


async def failure(provider: LLMProvider, *, is_stream: bool) -> LLMProviderError:
    ask = read_stream if is_stream else LLMProvider.chat_completion
    with pytest.raises(LLMProviderError) as caught:
        await ask(provider, REQUEST)
    return caught.value


async def read_stream(provider: LLMProvider, request: ChatRequest) -> None:
    async for _ in provider.chat_completion_stream(request):
        pass
