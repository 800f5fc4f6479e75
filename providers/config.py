"""The resolved config: providers with their keys, models, aliases and agents in one immutable, numbered, hashed value.

It is what the REST API serves, what the gateway runs on, what a version stores, and what a program can run on with no
server at all. Change it by making another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from providers import document, integrity, reader
from providers.entries import (
    PRICE_FIELDS,
    AgentConfig,
    AliasConfig,
    CanaryConfig,
    KeyConfig,
    LLMModelConfig,
    LLMProviderConfig,
    PriceConfig,
    PriceTier,
    TargetConfig,
)
from providers.fields import ConfigError, Problems, name_of
from providers.resolution import Resolution, ResolvedTarget, UnknownNameError, resolve

__all__ = [
    "PRICE_FIELDS",
    "AgentConfig",
    "AliasConfig",
    "CanaryConfig",
    "ConfigError",
    "KeyConfig",
    "LLMConfig",
    "LLMModelConfig",
    "LLMProviderConfig",
    "PriceConfig",
    "PriceTier",
    "Resolution",
    "ResolvedTarget",
    "TargetConfig",
    "UnknownNameError",
]


class LLMConfig:
    """A company's LLM setup, as one value.

    The constructor takes what people write: dicts or entries, models as a list or a mapping, `api_base` for `base_url`,
    an alias as `"openai/gpt-4.1-mini"`. `default_model` is an alias or `provider/model`; without it, it is the model
    marked `is_default`, else the default model of `default_provider`. A model that a provider names as its default and
    that is not listed is added. Raises `ConfigError` with every problem found.
    """

    def __init__(
        self,
        *,
        default_provider: object = None,
        default_model: str | None = None,
        providers: object = None,
        models: object = None,
        aliases: object = None,
        agents: object = None,
        version: int = 0,
        published_at: datetime | str | None = None,
        accepts_unlisted_models: bool = False,
        _problems: Problems | None = None,
    ) -> None:
        problems = _problems or Problems()
        self.version = version
        self.published_at = reader.read_time(published_at, "published_at", problems=problems)
        self.accepts_unlisted_models = accepts_unlisted_models
        """A program that runs on its environment alone may ask a provider for a model that nobody listed."""
        self.providers: Mapping[str, LLMProviderConfig] = reader.read_providers(providers, problems=problems)
        self.models: Mapping[str, LLMModelConfig] = reader.read_models(models, problems=problems)
        self.aliases: Mapping[str, AliasConfig] = reader.read_aliases(aliases, problems=problems)
        self.agents: Mapping[str, AgentConfig] = reader.read_agents(agents, problems=problems)
        if problems.is_strict:
            self._complete()
        self.default_model = default_model or self._choose_default(default_provider, problems)
        self._resolutions: dict[str, Resolution] = {}
        integrity.check(self, problems=problems)
        problems.raise_if_any()

    # Reading and writing

    @classmethod
    def from_document(cls, raw: Mapping[str, Any]) -> LLMConfig:
        """Read the published JSON document; fields that a newer server added are passed over."""
        problems = Problems(is_strict=False)
        if not isinstance(raw, Mapping):
            raise ConfigError({"document": "Must be a JSON object."})
        return cls(
            default_model=raw.get("default_model"),
            providers=raw.get("providers"),
            models=raw.get("models"),
            aliases=raw.get("aliases"),
            agents=raw.get("agents"),
            version=raw.get("version") or 0,
            published_at=raw.get("published_at"),
            _problems=problems,
        )

    def to_document(self, *, with_secrets: bool = False) -> dict[str, Any]:
        """The published JSON document, the exact inverse of `from_document`."""
        return document.write_document(self, with_secrets=with_secrets)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> LLMConfig:
        """What the process's environment says, together with the file or the server that it names."""
        from providers import sources

        return sources.from_env(environ)

    @classmethod
    def from_yaml(
        cls, source: str | Path, *, environ: Mapping[str, str] | None = None, use_environment: bool = True
    ) -> LLMConfig:
        """Read `llm_config.yaml`, given as a path or as its text.

        `${NAME}` is replaced and variables such as `OPENAI_API_KEY` win over the file, unless `use_environment` is
        False: a server must never read its own environment for somebody's file.
        """
        from providers import sources

        return sources.from_yaml(source, environ=environ, use_environment=use_environment)

    @classmethod
    def from_server(cls, url: str, key: str) -> LLMConfig:
        """Fetch the config from an llmadmin server; the last known one where the server is away."""
        from providers import sources

        return sources.from_server(url, key)

    def to_yaml(self) -> str:
        """The `llm_config.yaml` that reads back to the same hash. It never holds an API key."""
        from providers import sources

        return sources.to_yaml(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what this config does: equal configs have equal hashes, whatever version they are."""
        return document.digest(self.to_document())

    # Looking up

    def resolve(self, name: str) -> Resolution:
        """What `name` means: alias, then agent (`agent:NAME` too), `provider/name`, a bare name that only one has.

        Raises `UnknownNameError`, which knows names that look like it.
        """
        found = self._resolutions.get(name)
        if found is None:
            found = resolve(self, name)
            if found.targets and found.targets[0].name in self.models:
                self._resolutions[name] = found
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that resolves: aliases, agents, models."""
        return (*self.aliases, *self.agents, *self.models)

    @cached_property
    def models_by_bare_name(self) -> Mapping[str, tuple[LLMModelConfig, ...]]:
        homes: dict[str, tuple[LLMModelConfig, ...]] = {}
        for model in self.models.values():
            homes[model.name] = (*homes.get(model.name, ()), model)
        return homes

    @property
    def default_provider(self) -> str | None:
        """The provider that the default model's first target is at."""
        if self.default_model is None:
            return None
        targets = self.resolve(self.default_model).targets
        return targets[0].provider if targets else None

    def replace(self, **changes: Any) -> LLMConfig:
        """Another config that differs in these arguments of the constructor."""
        current: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("default_model", "providers", "models", "aliases", "agents", "version", "published_at")
        }
        current["accepts_unlisted_models"] = self.accepts_unlisted_models
        current["models"] = list(self.models.values())
        return LLMConfig(**{**current, **changes})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LLMConfig):
            return NotImplemented
        return self.to_document(with_secrets=True) == other.to_document(with_secrets=True)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        counts = f"{len(self.providers)} providers, {len(self.models)} models, {len(self.aliases)} aliases"
        return f"<LLMConfig version {self.version}: {counts}>"

    # Completing what people leave out

    def _complete(self) -> None:
        providers, models = dict(self.providers), dict(self.models)
        for model in self.models.values():
            if model.provider and model.provider not in providers and model.api_url:
                providers[model.provider] = LLMProviderConfig(name=model.provider)
        for provider in providers.values():
            if provider.default_model and f"{provider.name}/{provider.default_model}" not in models:
                added = LLMModelConfig(name=provider.default_model, provider=provider.name)
                models[added.key] = added
        self.providers, self.models = providers, models
        self.aliases = {
            name: replace(
                alias,
                targets=tuple(replace(target, model=self._full_name(target.model)) for target in alias.targets),
                canary=alias.canary and replace(alias.canary, model=self._full_name(alias.canary.model)),
            )
            for name, alias in self.aliases.items()
        }

    def _full_name(self, model: str) -> str:
        """A model that a target gives by a bare name, where only one provider has it."""
        homes = self.models_by_bare_name.get(model, ())
        return model if model in self.models or model in self.aliases or len(homes) != 1 else homes[0].key

    def _choose_default(self, default_provider: object, problems: Problems) -> str | None:
        marked = [model.key for model in self.models.values() if model.is_default]
        if len(marked) > 1:
            problems.add("models", f"Only one model can be the default, not {' and '.join(marked)}.")
        if marked:
            return marked[0]
        if default_provider is None:
            return None
        name = name_of(default_provider)
        provider = self.providers.get(name)
        if provider is None:
            problems.add("default_provider", f"There is no provider '{name}'.")
            return None
        if provider.default_model:
            return f"{name}/{provider.default_model}"
        return next((model.key for model in self.models.values() if model.provider == name), None)
