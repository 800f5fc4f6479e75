"""Where a config comes from: the environment, a YAML file, an llmadmin server.

An explicit argument beats the environment, the environment beats the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from providers import environment, yaml_text
from providers.config import LLMConfig
from providers.fields import ConfigError, name_of

DEFAULT_FILE = "llm_config.yaml"

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECTIONS = frozenset({"default_provider", "default_model", "providers", "models", "aliases", "agents"})
_IGNORED = frozenset({"version", "published_at"})
_ENV_FIELDS = {
    "api_key": ("api_key",),
    "base_url": ("base_url", "api_base", "endpoint"),
    "default_model": ("default_model",),
}


def from_env(environ: Mapping[str, str] | None = None) -> LLMConfig:
    """The server that the environment names, else its file, else what its variables say of providers."""
    environ = os.environ if environ is None else environ
    url, key = environ.get("LLMADMIN_URL", "").strip(), environ.get("LLMADMIN_SERVICE_KEY", "").strip()
    if url:
        if not key:
            raise ConfigError({"LLMADMIN_SERVICE_KEY": "Is not set; LLMADMIN_URL needs a service key beside it."})
        return from_server(url, key)
    path = config_file(environ)
    return from_variables(environ) if path is None else from_yaml(path, environ=environ)


def config_file(environ: Mapping[str, str]) -> Path | None:
    """The file that the environment names, else `llm_config.yaml` in the working directory, if it is there."""
    named = environ.get("LLM_CONFIG_FILE", "").strip()
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def from_variables(environ: Mapping[str, str]) -> LLMConfig:
    """A fallback chain over every provider with a key: the preferred one (else openrouter), then the others."""
    providers = environment.configured_providers(environ)
    models = {model.key: model for provider in providers.values() for model in environment.listed_models(provider)}
    chain = [f"{name}/{provider.default_model}" for name, provider in providers.items() if provider.default_model]
    return LLMConfig(
        providers=providers,
        models=list(models.values()),
        aliases={environment.DEFAULT_ALIAS: chain} if chain else {},
        default_model=environment.DEFAULT_ALIAS if chain else None,
        accepts_unlisted_models=True,
    )


def from_yaml(
    source: str | Path, *, environ: Mapping[str, str] | None = None, use_environment: bool = True
) -> LLMConfig:
    """Read `llm_config.yaml`, given as a path or as its text. Raises `ConfigError` with every problem found."""
    raw = load_yaml(source)
    if use_environment:
        environ = os.environ if environ is None else environ
        raw = expand(overlay(raw, environ), environ)
    return from_mapping(raw)


def from_mapping(raw: Mapping[str, Any]) -> LLMConfig:
    """A config from the sections of the file format."""
    unknown = sorted(set(map(str, raw)) - _SECTIONS - _IGNORED)
    if unknown:
        sections = ", ".join(sorted(_SECTIONS))
        raise ConfigError(dict.fromkeys(unknown, f"Is no section of a config; there are {sections}."))
    return LLMConfig(
        default_provider=raw.get("default_provider"),
        default_model=raw.get("default_model"),
        providers=raw.get("providers"),
        models=raw.get("models"),
        aliases=raw.get("aliases"),
        agents=raw.get("agents"),
    )


def load_yaml(source: str | Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file or text, nothing expanded."""
    name, text = _read(source)
    return parse_yaml(text, name=name)


def parse_yaml(text: str, *, name: str = "text") -> dict[str, Any]:
    """The mapping in `text`, whatever it looks like: no file is opened. Raises `ConfigError` under `name`."""
    raw = yaml_text.parse(text, name=name)
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError({name: "Must be a mapping with sections such as 'providers' and 'models'."})
    return raw


def _read(source: str | Path) -> tuple[str, str]:
    if isinstance(source, str) and _is_text(source):
        return "text", source
    try:
        return str(source), Path(source).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError({str(source): "Is not text in UTF-8. Save it as UTF-8."}) from None
    except OSError as problem:
        raise ConfigError({str(source): f"Can't be read ({problem.strerror}). Check the path."}) from None


def _is_text(source: str) -> bool:
    """Whether `source` is YAML or JSON itself; a path has one line and names a file."""
    if "\n" in source or not source.strip() or source.lstrip().startswith("{"):
        return True
    return ": " in source and not Path(source).suffix and not Path(source).is_file()


def overlay(raw: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """`raw` with what the environment sets for the providers named in it.

    A field that itself refers to the environment (`${NAME}`) keeps its reference.
    """
    merged = dict(raw)
    providers = raw.get("providers")
    if isinstance(providers, Mapping):
        shared = environment.call_settings(environ)
        merged["providers"] = {
            name: _overlay_provider(name_of(name), entry, shared, environ)
            if entry is None or isinstance(entry, Mapping)
            else entry
            for name, entry in providers.items()
        }
        preferred = environ.get("PREFERRED_LLM_PROVIDER", "").strip().lower()
        if preferred and preferred in map(name_of, providers) and preferred != raw.get("default_provider"):
            merged |= {"default_provider": preferred, "default_model": None, "models": _unmarked(raw.get("models"))}
    return merged


def _overlay_provider(
    name: str, entry: Mapping[str, Any] | None, shared: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    merged = dict(entry or {})
    for setting, value in shared.items():
        if "${" not in str(merged.get(setting)):
            merged[setting] = value
    found = environment.provider_settings(name, str(merged.get("kind") or name), environ=environ)
    for setting, names in _ENV_FIELDS.items():
        if setting not in found or any("${" in str(merged.get(other)) for other in names):
            continue
        if setting == "api_key":
            if "${" in str(merged.get("keys")):
                continue
            merged.pop("keys", None)
        for other in names:
            merged.pop(other, None)
        merged[setting] = found[setting]
    for option in found.keys() - _ENV_FIELDS.keys():
        if "${" not in str(merged.get(option)):
            merged[option] = found[option]
    return merged


def _unmarked(models: object) -> object:
    """Models of which none is marked as the default, since the environment names another provider."""
    if not isinstance(models, list):
        return models
    return [
        {name: value for name, value in model.items() if name != "is_default"} if isinstance(model, Mapping) else model
        for model in models
    ]


def expand(raw: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """`raw` with each `${NAME}` replaced. Raises `ConfigError` naming every variable that is not set."""
    problems = {
        path: f"Needs the environment variable {name}, which is not set."
        for path, text in _texts(raw, "")
        for name in _REFERENCE.findall(text)
        if name not in environ
    }
    if problems:
        raise ConfigError(problems)
    return {name: _expanded(value, environ) for name, value in raw.items()}


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")


def _expanded(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: environ[found[1]], value)
    if isinstance(value, Mapping):
        return {name: _expanded(item, environ) for name, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, environ) for item in value]
    return value


def from_server(url: str, key: str) -> LLMConfig:
    """Fetch the config from an llmadmin server; the last known one where the server is away."""
    from providers.client import ConfigClient

    return ConfigClient(url, key).fetch()


def to_yaml(config: LLMConfig) -> str:
    """The file that reads back to the same hash, without any API key."""
    document = config.to_document()
    sections = {
        "default_model": document["default_model"],
        "providers": {name: _brief(entry) for name, entry in document["providers"].items()},
        "models": [_brief(entry) for entry in document["models"].values()],
        "aliases": {name: _brief_alias(entry) for name, entry in document["aliases"].items()},
        "agents": {name: _brief(entry) for name, entry in document["agents"].items()},
    }
    kept = {name: value for name, value in sections.items() if value}
    return yaml_text.write(kept)


def _brief(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None and value not in ({}, [])}


def _brief_alias(entry: Mapping[str, Any]) -> dict[str, Any]:
    brief = _brief(entry) | {"targets": [_brief(target) for target in entry["targets"]]}
    if not brief["cache_ttl_s"]:
        del brief["cache_ttl_s"]
    return brief
