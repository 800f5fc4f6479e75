"""Asking a provider what costs nothing: does it answer with this key, and which models does it list?

Checks use connections of their own, since they come from pages and from REST, outside of the loop that serves calls.
They count as nobody's calls and move no one's health.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from llmadmin.accounts.actors import system_actor
from llmadmin.catalog.models import Provider
from llmadmin.catalog.origin import origin_of
from llmadmin.config.compiler import provider_config
from llmadmin.config.services import change
from llmadmin.core.errors import ConflictError
from llmadmin.gateway.key_notes import ACTOR
from llmadmin.vault import recovery
from llmadmin.vault.models import ApiKey, KeyState
from llmadmin.vault.opening import UnreadableKeyError, open_sealed, sealed_of
from llmadmin.vault.selectors import keys_of
from llmadmin.vault.services import note_keys_used
from providers.addresses import AddressPolicy
from providers.base.provider import LLMProvider
from providers.errors import LLMProviderError
from providers.registry import get_registry
from providers.transport import create_transport
from providers.types import HealthReport, ModelInfo


async def check_provider(provider: Provider, *, key: ApiKey | None = None) -> HealthReport:
    """Whether the provider answers, with `key` or else its first usable one; the report names the step that fails.

    What the provider said is kept with the key: its last use, its last error, and that a failed one works again.
    """
    try:
        key, secret = await sync_to_async(_secret)(provider, key)
    except UnreadableKeyError as problem:
        return HealthReport(is_healthy=False, latency_ms=0.0, step="key", message=str(problem))
    async with _live(provider) as live:
        report = await live.health_check(secret)
    if key is not None:
        await sync_to_async(_note_check)(key, report)
    return report


async def listed_by_provider(provider: Provider) -> list[ModelInfo]:
    """The models that the provider itself lists. Raises ConflictError in the words of whatever prevented it."""
    try:
        _, secret = await sync_to_async(_secret)(provider, None)
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


def _secret(provider: Provider, key: ApiKey | None) -> tuple[ApiKey | None, str | None]:
    chosen = key or next(_usable(provider), None)
    return chosen, open_sealed(sealed_of(chosen), origin=origin_of(provider)) if chosen else None


def _note_check(key: ApiKey, report: HealthReport) -> None:
    now = timezone.now()
    note_keys_used({key.pk: now})
    if not report.is_healthy and report.step == "key":
        recovery.note_errors({key.pk: (now, report.message)})
    elif report.is_healthy and key.state == KeyState.FAILED:
        with change(by=system_actor(ACTOR), why="A free call over this key was answered"):
            recovery.recover_key(key.pk, entered_at=key.entered_at)


def _usable(provider: Provider) -> Iterator[ApiKey]:
    """Active keys before draining ones; others can still be tested by name."""
    found = list(keys_of(provider))
    for state in (KeyState.ACTIVE, KeyState.DRAINING):
        yield from (key for key in found if key.state == state)
