"""Finds provider folders and makes providers of them. Nothing anywhere lists the folders: being there is enough.

A folder belongs to the registry when it holds a `metadata.py` with `METADATA`. Folders lie in this package and in the
directories of `LLM_PROVIDER_PATH`. Reading metadata imports no connector.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from providers.base.metadata import ProviderMetadata
from providers.config import LLMProviderConfig
from providers.errors import LLMProviderError
from providers.folders import Folder, find_folders

if TYPE_CHECKING:
    from providers.base.connector import BaseConnector
    from providers.base.llm import BaseLLM
    from providers.base.provider import LLMProvider
    from providers.types import HealthReport

_NAME_ENDINGS = ("Connector", "Provider", "BaseLLM")


class UnknownProviderError(LookupError):
    """No folder has this slug."""


class _OpenNames(type):
    """Makes `ProviderType.OPENAI` of every folder that is there now."""

    def __getattr__(cls, name: str) -> ProviderType:
        if name.isupper() and name.lower() in get_registry().slugs():
            return ProviderType(name.lower())
        raise AttributeError(f"There is no provider folder {name.lower()!r}.")

    def __iter__(cls) -> Iterator[ProviderType]:
        return (ProviderType(slug) for slug in get_registry().slugs())


class ProviderType(str, metaclass=_OpenNames):
    """A provider type by name: text, with an attribute for every folder that is there."""

    __slots__ = ()


class ProviderFactory:
    """Makes providers of one folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    @property
    def metadata(self) -> ProviderMetadata:
        return self._folder.metadata

    def provider_type(self) -> ProviderType:
        return ProviderType(self.metadata.slug)

    def default_config(self) -> LLMProviderConfig:
        """The vendor's own base URL, model and option defaults; no key."""
        return LLMProviderConfig(
            kind=self.metadata.slug,
            base_url=self.metadata.base_url,
            default_model=self.metadata.default_model,
            options=self.metadata.option_defaults(),
        )

    def create_client(
        self, config: LLMProviderConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> LLMProvider:
        return self._folder.provider_class()(
            config, metadata=self.metadata, transport=transport, folder=self._folder.path
        )


class ProviderRegistry:
    """The provider types that are there, and the live providers that an application registered."""

    def __init__(self, *, paths: Iterable[str | Path] = ()) -> None:
        self._paths = [Path(path) for path in paths]
        self._folders: dict[str, Folder] | None = None
        self._factories: dict[str, ProviderFactory] = {}
        self._live: dict[str, LLMProvider] = {}
        self.broken: dict[str, str] = {}
        """Folders that can't be read, with the reason; the others work."""

    # Types

    def discover(self, *paths: str | Path) -> dict[str, ProviderMetadata]:
        """Look for folders again, also in `paths` from now on; the metadata of all, by slug."""
        self._paths += [Path(path) for path in paths if Path(path) not in self._paths]
        self._folders, self.broken = find_folders([*self._paths, *_paths_from_env()])
        return {slug: folder.metadata for slug, folder in self._folders.items()}

    def slugs(self) -> list[str]:
        return sorted({*self._found(), *self._factories})

    def metadata(self, kind: str) -> ProviderMetadata:
        """What the provider type declares. Raises `UnknownProviderError`."""
        return self.factory(kind).metadata

    def factory(self, kind: str) -> ProviderFactory:
        if kind in self._factories:
            return self._factories[kind]
        folder = self._found().get(kind)
        if folder is None:
            known = ", ".join(self.slugs())
            reason = f" It can't be read: {self.broken[kind]}" if kind in self.broken else f" There are: {known}."
            raise UnknownProviderError(f"There is no provider type {kind!r}.{reason}")
        return ProviderFactory(folder)

    def folder(self, kind: str) -> Folder:
        """The folder of a provider type. Raises `UnknownProviderError`."""
        folder = self._found().get(kind)
        if folder is None:
            raise UnknownProviderError(f"There is no provider folder {kind!r}.")
        return folder

    def create(self, config: LLMProviderConfig, *, transport: httpx.AsyncBaseTransport | None = None) -> LLMProvider:
        """A provider for `config`, by its `kind`. Raises `UnknownProviderError`."""
        return self.factory(config.kind).create_client(config, transport=transport)

    def provider_for(self, connector: BaseConnector) -> LLMProvider:
        """A provider that speaks through a connector that somebody made."""
        folder = self.folder(connector.slug)
        return folder.provider_class()(
            connector.config, metadata=folder.metadata, connector=connector, folder=folder.path
        )

    def _found(self) -> dict[str, Folder]:
        if self._folders is None:
            self.discover()
        return self._folders or {}

    # Live providers

    def register(self, item: LLMProvider | ProviderFactory) -> None:
        """Take in a live provider under its name, or a factory under its type; the newest of a name holds."""
        if isinstance(item, ProviderFactory):
            self._factories[item.provider_type()] = item
        else:
            self._live[item.name] = item

    def get(self, name: str) -> LLMProvider:
        """The live provider of that name. Raises `UnknownProviderError`."""
        try:
            return self._live[name]
        except KeyError:
            known = ", ".join(sorted(self._live)) or "none"
            raise UnknownProviderError(f"No provider is registered as {name!r}. Registered: {known}.") from None

    def live(self) -> Mapping[str, LLMProvider]:
        return dict(self._live)

    async def initialize(self) -> dict[str, LLMProviderError]:
        """Initialise every live provider. The failing ones are named with their error and leave the rest working."""
        failed: dict[str, LLMProviderError] = {}
        for name, provider in self._live.items():
            try:
                await provider.initialize()
            except LLMProviderError as error:
                failed[name] = error
        return failed

    async def health(self) -> dict[str, HealthReport]:
        """A free check of every live provider, all at once."""
        providers = list(self._live.items())
        reports = await asyncio.gather(*(provider.health_check() for _, provider in providers))
        return {name: report for (name, _), report in zip(providers, reports, strict=True)}

    async def shutdown(self) -> None:
        for provider in self._live.values():
            await provider.shutdown()


_registry = ProviderRegistry()


def get_registry() -> ProviderRegistry:
    """The process's own registry."""
    return _registry


def register_llm_provider(provider: LLMProvider | ProviderFactory) -> None:
    _registry.register(provider)


def get_llm_provider(name: str) -> LLMProvider:
    """The provider registered as `name`, else one made from the process's config or environment and kept."""
    if name not in _registry.live():
        _registry.register(_provider_from_surroundings(name))
    return _registry.get(name)


def _provider_from_surroundings(name: str) -> LLMProvider:
    from providers.llm_config import current_config

    config = current_config().providers.get(name)
    return _registry.create(config) if config is not None else create_provider(name)


def create_provider(
    kind: str,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> LLMProvider:
    """A provider of type `kind`. What isn't given comes from the vendor's environment variables, else its defaults.

    `options` are fields of `LLMProviderConfig` (`timeout_s`, `max_retries`, `headers` …); other names are the
    provider's own options (`organization`). Raises `UnknownProviderError`.
    """
    factory = _registry.factory(kind)
    config = build_config(factory.metadata, {"api_key": api_key, "base_url": base_url, **options})
    return factory.create_client(config, transport=transport)


def build_config(metadata: ProviderMetadata, settings: Mapping[str, Any]) -> LLMProviderConfig:
    """The config of one provider from loose settings; gaps are filled from the environment, then from the metadata."""
    given = {name: value for name, value in settings.items() if value is not None}
    if "endpoint" in given:
        given.setdefault("base_url", given.pop("endpoint"))
    known = {name: given.pop(name) for name in list(given) if name in LLMProviderConfig.__dataclass_fields__}
    for setting, value in _settings_from_env(metadata).items():
        if setting in ("api_key", "base_url", "default_model"):
            known.setdefault(setting, value)
        else:
            given.setdefault(setting, value)
    known["options"] = {**metadata.option_defaults(), **known.get("options", {}), **given}
    known.setdefault("base_url", metadata.base_url)
    known.setdefault("default_model", metadata.default_model)
    return LLMProviderConfig(**{"kind": metadata.slug, **known})


def _settings_from_env(metadata: ProviderMetadata) -> dict[str, str]:
    found = (
        (setting, next((os.environ[name] for name in variables if os.environ.get(name)), ""))
        for setting, variables in metadata.variables().items()
    )
    return {setting: value for setting, value in found if value}


def create_llm(name: str, *, transport: httpx.AsyncBaseTransport | None = None, **options: Any) -> BaseLLM:
    """One model by `provider/model`, ready to be asked. `options` are those of `create_provider`."""
    kind, _, model = name.partition("/")
    if not model:
        raise ValueError(f"{name!r} names no provider: write provider/model, like openai/{name}.")
    provider = create_provider(kind, transport=transport, **options)
    return _registry.folder(kind).llm_class(model)(provider, model=model)


def lookup(name: str) -> object:
    """What a provider folder offers by name: `create_<slug>_llm`, `<Slug>Connector`, `<Slug>Provider`, `<Slug>BaseLLM`.

    Raises AttributeError, since this answers for the package's attributes.
    """
    if name.startswith("create_") and name.endswith("_llm"):
        wanted = name.removeprefix("create_").removesuffix("_llm")
    else:
        ending = next((end for end in _NAME_ENDINGS if name.endswith(end)), None)
        wanted = name.removesuffix(ending).lower() if ending else ""
    for slug in _registry.slugs() if wanted else ():
        if slug.replace("_", "").replace("-", "") == wanted.replace("_", "").lower():
            return _registry.folder(slug).offer(name)
    raise AttributeError(f"module 'providers' has no attribute {name!r}")


def _paths_from_env() -> list[Path]:
    return [Path(part) for part in os.environ.get("LLM_PROVIDER_PATH", "").split(os.pathsep) if part]
