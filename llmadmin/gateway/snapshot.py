"""Everything that a call needs, as one immutable value in memory: config, grants, providers, sealed keys.

API keys lie in it encrypted and are opened for one call at the moment at which it is made.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import structlog

from llmadmin.accounts.selectors import admission_rows
from llmadmin.catalog.origin import onward, origin_of
from llmadmin.config.selectors import current_publication, latest
from llmadmin.gateway.callers import Grant
from llmadmin.limits.selectors import Stops, active_stops
from llmadmin.vault.models import KeyState
from llmadmin.vault.opening import SealedKey, UnreadableKeyError, open_sealed, sealed_rows
from llmadmin.vault.selectors import idle_reasons
from providers.base.provider import LLMProvider
from providers.config import LLMConfig, LLMProviderConfig
from providers.errors import LLMProviderAuthenticationError
from providers.registry import UnknownProviderError, get_registry
from providers.router import Plan, PlannedKey

log = structlog.get_logger(__name__)

MAX_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class Document:
    """The config as one class of keys sees it: bytes and their ETag. Never holds an API key."""

    body: bytes
    etag: bytes


@dataclass(frozen=True)
class Snapshot:
    """What is in force. `version` is the config's, `revision` moves with grants and keys too."""

    version: int
    revision: int
    loaded_at: datetime
    config: LLMConfig
    admission: Mapping[bytes, Grant]
    """SHA-256 of a service key → what it is granted."""
    providers: Mapping[str, LLMProvider]
    """By slug; a model with an address of its own has one under `slug address`."""
    sealed: Mapping[str, tuple[SealedKey, ...]]
    idle: Mapping[str, str] = field(default_factory=dict)
    """Of providers with keys that are not in use: why the first of them is not."""
    stops: Stops = field(default_factory=Stops)
    """What switches have stopped."""
    due_s: float = float("inf")
    """When the first API key expires, in seconds since the epoch: then this snapshot is out of date."""
    plans: dict[str, Plan] = field(default_factory=dict)
    """Plans by the name that was asked for, made at its first call."""
    documents: dict[object, Document] = field(default_factory=dict)

    def provider_for(self, slug: str, base_url: str | None) -> LLMProvider | None:
        return self.providers.get(f"{slug} {base_url}") or self.providers.get(slug)

    @functools.cached_property
    def keys_by_id(self) -> dict[str, SealedKey]:
        return {str(key.id): key for keys in self.sealed.values() for key in keys}

    @functools.cached_property
    def suspects(self) -> dict[str, SealedKey]:
        """Keys that failed and have not been proven since: a call that is answered over one of them is news."""
        found = self.keys_by_id.items()
        return {key_id: key for key_id, key in found if key.state == KeyState.FAILED or key.failure_count}

    def keys_for(
        self, provider: LLMProvider, slug: str, *, model: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[PlannedKey, ...]:
        """The keys that may be sent to `provider`, for `model` alone where one is given, with a call's own `headers`.

        Each is bound to the address that this provider really has, and opens for no other that a header names.
        """
        origin = " ".join([origin_of(provider.config), *onward(headers or {})])
        return tuple(
            _planned(sealed, origin)
            for sealed in self.sealed.get(slug, ())
            if str(sealed.id) not in self.stops.keys and (model is None or sealed.is_for(model))
        )

    def why_no_key(self, slug: str, model: str) -> str:
        """Why none of the provider's keys may be used for `model`; empty where it has none at all and needs none."""
        in_use = self.sealed.get(slug, ())
        if any(str(sealed.id) in self.stops.keys for sealed in in_use):
            return f"The API keys of {slug} are stopped by a switch."
        if in_use:
            return f"No API key of {slug} may be used for {model}. Allow it at a key, or add one for it."
        return self.idle.get(slug, "")


def _planned(sealed: SealedKey, origin: str) -> PlannedKey:
    return PlannedKey(
        id=str(sealed.id),
        label=sealed.label,
        weight=sealed.weight,
        reveal=functools.partial(reveal, sealed, origin),
        reserve=_RESERVES.get(sealed.state, 0),
        expires_s=sealed.expires_at.timestamp() if sealed.expires_at else None,
        calls_per_minute=sealed.calls_per_minute,
        tokens_per_minute=sealed.tokens_per_minute,
        edition=str(sealed.entered_at),
    )


_RESERVES = {KeyState.DRAINING.value: 1, KeyState.FAILED.value: 2}


def reveal(sealed: SealedKey, origin: str) -> str:
    """The plaintext for one call. Raises `LLMProviderAuthenticationError`, so that another key or target is tried."""
    try:
        return open_sealed(sealed, origin=origin)
    except UnreadableKeyError as problem:
        raise LLMProviderAuthenticationError(
            str(problem), provider=sealed.provider_slug, code="key_unreadable"
        ) from problem


def load_snapshot(transport: httpx.AsyncBaseTransport, before: Snapshot | None = None) -> Snapshot:
    """Read what is in force from the database, in a thread. What has not changed is taken over from `before`.

    The publication is read first: what changes while we read only makes the next look come sooner.
    """
    version, revision = current_publication()
    is_same_config = before is not None and before.version == version
    config = before.config if before is not None and is_same_config else LLMConfig.from_document(latest().document)
    sealed = _by_provider(sealed_rows())
    expiries = (key.expires_at.timestamp() for keys in sealed.values() for key in keys if key.expires_at)
    return Snapshot(
        version=version,
        revision=revision,
        loaded_at=datetime.now(UTC),
        config=config,
        admission={bytes.fromhex(row.hash): Grant.from_row(row) for row in admission_rows()},
        providers=before.providers
        if before is not None and is_same_config
        else _make_providers(config, transport, before),
        sealed=sealed,
        idle=idle_reasons(),
        stops=active_stops(),
        due_s=min((expiry for expiry in expiries if expiry > time.time()), default=float("inf")),
    )


def _by_provider(keys: Iterable[SealedKey]) -> dict[str, tuple[SealedKey, ...]]:
    grouped: dict[str, list[SealedKey]] = {}
    for key in keys:
        grouped.setdefault(key.provider_slug, []).append(key)
    return {slug: tuple(found) for slug, found in grouped.items()}


def _make_providers(
    config: LLMConfig, transport: httpx.AsyncBaseTransport, before: Snapshot | None
) -> dict[str, LLMProvider]:
    """A provider for each entry of the config. One whose folder is gone is left out, and its calls fail over."""
    wanted: dict[str, LLMProviderConfig] = dict(config.providers)
    for model in config.models.values():
        if model.api_url and model.provider in config.providers:
            wanted[f"{model.provider} {model.api_url}"] = replace(
                config.providers[model.provider], base_url=model.api_url
            )
    known = before.providers if before is not None else {}
    made: dict[str, LLMProvider] = {}
    for name, settings in wanted.items():
        old = known.get(name)
        if old is not None and old.config == settings:
            made[name] = old
            continue
        try:
            made[name] = get_registry().create(settings, transport=transport)
        except UnknownProviderError as problem:
            log.warning("a provider can't be used", provider=name, reason=str(problem))
    return made
