"""The process's current config, for code that asks by name: keys, endpoints and the real names behind aliases.

from providers.llm_config import get_llm_provider_config, get_model_real_name
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from providers import environment, sources
from providers.config import ConfigError, LLMConfig, LLMProviderConfig, UnknownNameError

Entry = TypeVar("Entry")

log = logging.getLogger(__name__)

SERVER_CHECK_S = 30.0
"""How long a config that came from a server is used before the server is asked again whether it changed."""


class CurrentConfig:
    """The config that the process's environment leads to, read again when that, its file or its server changes.

    A server is asked in the background, so that nobody waits for it once there is a config. One that refuses the key
    ends the config too.
    """

    def __init__(self, *, check_s: float = SERVER_CHECK_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._check_s = check_s
        self._clock = clock
        self._lock = threading.Lock()
        self._set: LLMConfig | None = None
        self._loaded: LLMConfig | None = None
        self._origin: object = None
        self._checked_at_s = 0.0
        self._check: threading.Thread | None = None

    def get(self) -> LLMConfig:
        """Raises `ConfigError`, or `ConfigUnavailableError` where a server has to give it and can't."""
        with self._lock:
            if self._set is not None:
                return self._set
            origin = _origin()
            if self._loaded is None or self._origin != origin:
                self._loaded = LLMConfig.from_env()
                self._origin, self._checked_at_s = origin, self._clock()
            elif os.environ.get("LLMADMIN_URL") and self._clock() - self._checked_at_s >= self._check_s:
                self._check_in_background(origin)
            return self._loaded

    def set(self, config: LLMConfig | None) -> None:
        """Make `config` the process's own; None goes back to the environment's."""
        with self._lock:
            self._set = config

    def finish_check(self) -> None:
        """Wait for a check that is under way, if one is."""
        if self._check is not None:
            self._check.join()

    def _check_in_background(self, origin: object) -> None:
        if self._check is None or not self._check.is_alive():
            self._check = threading.Thread(target=self._ask_again, args=(origin,), name="providers-config", daemon=True)
            self._check.start()

    def _ask_again(self, origin: object) -> None:
        from providers.client import ConfigAccessError, ConfigUnavailableError

        try:
            found: LLMConfig | None = LLMConfig.from_env()
        except ConfigAccessError:
            found = None
        except (ConfigError, ConfigUnavailableError) as problem:
            log.warning("the config can't be read again, going on with the one at hand: %s", problem)
            found = self._loaded
        with self._lock:
            if self._origin == origin:
                self._loaded = self._loaded if found == self._loaded else found
                self._checked_at_s = self._clock()


def _origin() -> object:
    """What the environment's config depends on: equal origins give equal configs, as far as this machine knows."""
    path = sources.config_file(os.environ)
    try:
        stamp = (str(path.resolve()), path.stat().st_mtime_ns, path.stat().st_size) if path else None
    except OSError:
        stamp = (str(path), 0, 0)
    return (frozenset(os.environ.items()), stamp)


_current = CurrentConfig()


def current_config() -> LLMConfig:
    """The config set with `set_current_config`, else the one that the environment leads to."""
    return _current.get()


def set_current_config(config: LLMConfig | None) -> None:
    """Make `config` the process's own; None goes back to the environment's."""
    _current.set(config)


def get_llm_provider_config(name: str) -> dict[str, Any]:
    """The settings of one provider, its API key among them: handle the result as a secret.

    `endpoint` is the same as `base_url`; the vendor's own options stand beside the rest. A provider folder that the
    config doesn't mention gives its defaults. Raises `UnknownNameError`.
    """
    name = str(getattr(name, "value", name))
    config = current_config()
    provider = config.providers.get(name)
    if provider is None:
        if environment.find_metadata(name) is None:
            raise UnknownNameError(name, candidates=config.providers, reason=_no_provider(name, config))
        provider = LLMProviderConfig(name=name)
    return _settings_of(provider)


def _no_provider(name: str, config: LLMConfig) -> str:
    return f"No provider is called '{name}'. There are: {', '.join(config.providers) or 'none'}."


def _settings_of(provider: LLMProviderConfig) -> dict[str, Any]:
    metadata = environment.find_metadata(provider.kind)
    found = environment.provider_settings(provider.name, provider.kind, environ=os.environ)
    base_url = provider.base_url or found.get("base_url") or (metadata.base_url if metadata else None)
    default_model = provider.default_model or found.get("default_model")
    return {
        **provider.options,
        "name": provider.name,
        "kind": provider.kind,
        "api_key": provider.api_key or found.get("api_key"),
        "base_url": base_url,
        "endpoint": base_url,
        "default_model": default_model or (metadata.default_model if metadata else None),
        "timeout_s": provider.timeout_s,
        "max_retries": provider.max_retries,
        "retry_delay_s": provider.retry_delay_s,
        "retry_max_delay_s": provider.retry_max_delay_s,
        "headers": dict(provider.headers),
        "options": dict(provider.options),
    }


def get_model_real_name(name: str) -> str:
    """The model name, at its provider, that the alias `name` goes to first; any other name unchanged."""
    return MODEL_ALIASES.get(name, name)


class LiveMapping(Mapping[str, Entry], Generic[Entry]):
    """A read-only view of the current config that never goes stale. Its `repr` shows names only."""

    def __init__(self, read: Callable[[LLMConfig], Mapping[str, Entry]]) -> None:
        self._read = read

    def __getitem__(self, name: str) -> Entry:
        return self._read(current_config())[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read(current_config()))

    def __len__(self) -> int:
        return len(self._read(current_config()))

    def __repr__(self) -> str:
        return f"<{', '.join(self) or 'empty'}>"


def _providers_in(config: LLMConfig) -> dict[str, dict[str, Any]]:
    return {name: _settings_of(provider) for name, provider in config.providers.items()}


def _real_names_in(config: LLMConfig) -> dict[str, str]:
    return {name: config.models[alias.targets[0].model].name for name, alias in config.aliases.items() if alias.targets}


LLM_PROVIDERS: Mapping[str, dict[str, Any]] = LiveMapping(_providers_in)
MODEL_ALIASES: Mapping[str, str] = LiveMapping(_real_names_in)
