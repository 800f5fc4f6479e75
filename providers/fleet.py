"""The live providers of one config: made when first needed, those that can't be made named with the reason."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import httpx

from providers.canary import take_side
from providers.config import KeyConfig, LLMConfig, LLMProviderConfig, Resolution, ResolvedTarget
from providers.environment import with_environment_key
from providers.errors import LLMProviderError, LLMProviderServiceError
from providers.plan import Plan, PlannedKey, PlannedTarget
from providers.registry import UnknownProviderError, get_registry

if TYPE_CHECKING:
    from providers.base.provider import LLMProvider


class Fleet:
    """Providers by name, for each event loop a set of its own, since connections belong to a loop."""

    def __init__(self, config: LLMConfig, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.config = config
        self.failures: dict[str, str] = {}
        """Providers that could not be made or initialised, with the reason in words."""
        self._transport = transport
        self._live: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], LLMProvider]] = (
            WeakKeyDictionary()
        )

    async def initialize(self) -> None:
        """Make and initialise every provider. The failing ones are noted and leave the rest working."""
        for name in self.config.providers:
            try:
                await self.provider(name).initialize()
            except LLMProviderError as error:
                self.failures[name] = error.message
            else:
                self.failures.pop(name, None)

    async def shutdown(self) -> None:
        for provider in self._live.pop(asyncio.get_running_loop(), {}).values():
            await provider.shutdown()

    def provider(self, name: str, *, api_url: str | None = None) -> LLMProvider:
        """The live provider `name` of the running loop. Raises `LLMProviderServiceError` where it can't be made."""
        providers = self._live.setdefault(asyncio.get_running_loop(), {})
        found = providers.get((name, api_url))
        if found is None:
            found = providers[name, api_url] = self._make(self._settings(name, api_url))
        return found

    def _settings(self, name: str, api_url: str | None) -> LLMProviderConfig:
        settings = with_environment_key(self.config.providers[name], environ=os.environ)
        return settings if api_url is None else replace(settings, base_url=api_url)

    def _make(self, settings: LLMProviderConfig) -> LLMProvider:
        try:
            provider = get_registry().create(settings, transport=self._transport)
        except UnknownProviderError as unknown:
            self.failures[settings.name] = str(unknown)
            raise LLMProviderServiceError(
                str(unknown), provider=settings.name, code="unknown_provider", retryable=False
            ) from None
        except LLMProviderError as error:
            self.failures[settings.name] = error.message
            raise
        except Exception as problem:
            reason = f"The provider folder '{settings.kind}' failed ({type(problem).__name__})."
            self.failures[settings.name] = reason
            raise LLMProviderServiceError(reason, provider=settings.name, retryable=False) from problem
        return provider

    def plan(
        self,
        resolution: Resolution,
        *,
        deadline_s: float | None = None,
        max_retries: int | None = None,
        affinity: str | None = None,
    ) -> Plan:
        """The plan of one call, its side drawn, without targets whose provider can't be made; raises where none is left."""
        targets = []
        last: LLMProviderError | None = None
        for target in resolution.targets:
            try:
                targets.append(self._target(target, resolution.headers))
            except LLMProviderError as error:
                last = error
        if last is not None and not targets:
            raise last
        canary = None
        if resolution.canary is not None:
            with suppress(LLMProviderError):
                canary = self._target(resolution.canary.target, resolution.headers)
        plan = Plan(
            targets=targets,
            strategy=resolution.strategy,
            deadline_s=deadline_s,
            max_retries=max_retries,
            requested=resolution.requested,
            affinity=affinity,
            canary=canary,
            canary_percent=resolution.canary.share_percent if resolution.canary else 0.0,
        )
        return take_side(plan)

    def _target(self, target: ResolvedTarget, headers: Mapping[str, str]) -> PlannedTarget:
        model = self.config.models.get(target.name)
        settings = self.config.providers[target.provider]
        if settings.stopped:
            raise LLMProviderServiceError(
                f"{target.provider} is stopped: {settings.stopped}",
                provider=target.provider,
                model=target.model,
                code="stopped",
                retryable=False,
            )
        model_key = model.api_key if model else None
        known = [key for key in settings.keys if key.api_key]
        keys = tuple(planned_key(key) for key in known if not key.allowed_models or target.model in key.allowed_models)
        if model_key:
            keys = (planned_key(KeyConfig(f"{target.name}-key", "model", api_key=model_key)),)
        return PlannedTarget(
            provider=self.provider(target.provider, api_url=model.api_url if model else None),
            provider_name=target.provider,
            model=target.model,
            params=target.params,
            headers=headers,
            keys=keys,
            weight=target.weight,
            context_window=model.context_window if model else None,
            price=model.price if model else None,
            no_key=f"No API key of {target.provider} may be used for {target.model}." if known and not keys else "",
        )


def planned_key(key: KeyConfig) -> PlannedKey:
    return PlannedKey(
        id=key.id,
        label=key.label,
        weight=key.weight,
        reveal=lambda: key.api_key,
        reserve=0 if key.state == "active" else 1,
        expires_s=key.expires_at.timestamp() if key.expires_at else None,
        calls_per_minute=key.calls_per_minute,
        tokens_per_minute=key.tokens_per_minute,
    )
