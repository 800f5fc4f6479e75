"""Asking a provider what costs nothing: does it answer with this key, and which models does it list?

Checks use connections of their own, since they come from pages and from REST, outside of the loop that serves calls.
They count as nobody's calls and move no one's health.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async
from django.conf import settings

from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.config.compiler import provider_config
from llmadmin.core.errors import ConflictError
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.opening import UnreadableKeyError, open_sealed, sealed_of
from llmadmin.vault.selectors import keys_of
from providers.addresses import AddressPolicy
from providers.base.provider import LLMProvider
from providers.errors import LLMProviderError
from providers.registry import get_registry
from providers.transport import create_transport
from providers.types import HealthReport, ModelInfo


async def check_provider(provider: Provider, *, key: ApiKey | None = None) -> HealthReport:
    """Whether the provider answers, with `key` or else its first usable one; the report names the step that fails."""
    try:
        secret = await sync_to_async(_secret)(provider, key)
    except UnreadableKeyError as problem:
        return HealthReport(is_healthy=False, latency_ms=0.0, step="key", message=str(problem))
    async with _live(provider) as live:
        return await live.health_check(secret)


async def listed_by_provider(provider: Provider) -> list[ModelInfo]:
    """The models that the provider itself lists. Raises ConflictError in the words of whatever prevented it."""
    try:
        secret = await sync_to_async(_secret)(provider, None)
        async with _live(provider) as live:
            return await live.list_models(api_key=secret)
    except (LLMProviderError, UnreadableKeyError) as problem:
        raise ConflictError(f"{provider.slug} did not list its models: {problem}") from problem


@asynccontextmanager
async def _live(provider: Provider) -> AsyncIterator[LLMProvider]:
    transport = create_transport(AddressPolicy(allow_private=settings.ALLOW_PRIVATE_ADDRESSES))
    try:
        yield get_registry().create(provider_config(provider), transport=transport)
    finally:
        await transport.aclose()


def _secret(provider: Provider, key: ApiKey | None) -> str | None:
    chosen = key or next(_usable(provider), None)
    return open_sealed(sealed_of(chosen), origin=origin_of(provider)) if chosen else None


def _usable(provider: Provider) -> Iterator[ApiKey]:
    """Active keys before draining ones; others can still be tested by name."""
    found = list(keys_of(provider))
    for state in (KeyState.ACTIVE, KeyState.DRAINING):
        yield from (key for key in found if key.state == state)
