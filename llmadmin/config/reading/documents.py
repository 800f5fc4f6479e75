"""One door for every kind of file: text or a parsed document in, a config with what could not be carried over out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import orjson

from llmadmin.catalog.fields import invalid
from llmadmin.config import passphrases
from llmadmin.config.reading.dotenv import looks_like_dotenv, read_environment, read_variables
from llmadmin.config.reading.litellm import is_litellm, read_litellm
from providers.config import ConfigError, LLMConfig
from providers.sources import expand, from_mapping, parse_yaml
from providers.yaml_text import MAX_DEPTH, MAX_VALUES

DEFAULT_NAME = "llm_config.yaml"
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_EXPANDED_FIELDS = frozenset({"api_key", "base_url", "api_base", "api_url", "endpoint"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read. `warnings` are sentences on what it says that can't be carried over."""

    config: LLMConfig
    name: str = DEFAULT_NAME
    warnings: tuple[str, ...] = ()
    digest: str = ""


def read_text(text: str, *, name: str = "", environ: Mapping[str, str] | None = None, passphrase: str = "") -> Reading:
    """YAML, JSON or `.env` text. No file is opened, and only where `environ` is given is `${NAME}` replaced.

    `passphrase` opens the API keys that an export sealed. Raises InvalidError with every problem under its path.
    """
    try:
        if _is_dotenv_name(name) or looks_like_dotenv(text):
            config, notes = read_environment(read_variables(text, name=name or ".env"))
            return Reading(config, name or ".env", tuple(notes), _digest(text))
        raw = parse_yaml(text, name=name or "text")
    except ConfigError as problem:
        raise invalid(dotted_fields(problem)) from None
    return read_mapping(raw, name=name, environ=environ, passphrase=passphrase)


def read_mapping(
    raw: Any, *, name: str = "", environ: Mapping[str, str] | None = None, passphrase: str = ""
) -> Reading:
    """A parsed document, ours or LiteLLM's. Raises InvalidError with every problem under its path."""
    if not isinstance(raw, Mapping):
        raise invalid({"document": "Give a mapping with sections such as providers and models."})
    name = name or DEFAULT_NAME
    _check_values(raw, allows_references=environ is not None or is_litellm(raw))
    try:
        if is_litellm(raw):
            config, notes = read_litellm(raw, environ=environ)
            return Reading(config, name, tuple(notes), _digest(raw))
        sections = {section: value for section, value in raw.items() if section != passphrases.SECTION}
        config = from_mapping(sections if environ is None else expand(sections, environ))
        sealed = raw.get(passphrases.SECTION)
        return _unsealed(Reading(config, name, (), _digest(raw)), sealed, passphrase)
    except ConfigError as problem:
        raise invalid(dotted_fields(problem)) from None


def _unsealed(reading: Reading, sealed: Any, passphrase: str) -> Reading:
    """With the API keys that the file carries, where the passphrase is given."""
    if sealed is None:
        return reading
    if not passphrase:
        note = "The file carries sealed API keys, which stay sealed: give the passphrase to bring them in."
        return replace(reading, warnings=(*reading.warnings, note))
    config, notes = passphrases.with_secrets(reading.config, passphrases.unseal(sealed, passphrase))
    return replace(reading, config=config, warnings=(*reading.warnings, *notes))


def dotted_fields(problem: ConfigError) -> dict[str, str]:
    return {dotted(path): sentence for path, sentence in problem.fields.items()}


def dotted(path: str) -> str:
    """`aliases.safe.targets[0].model` → `aliases.safe.targets.0.model`, as all our paths are written."""
    return re.sub(r"\[(\d+)\]", r".\1", path)


def _is_dotenv_name(name: str) -> bool:
    last = PurePath(name).name.lower()
    return last.endswith(".env") or last.startswith(".env")


def _digest(document: Any) -> str:
    """SHA-256 of what was given, to tell whether it is the file of last time."""
    given = document.encode() if isinstance(document, str) else orjson.dumps(document, default=str, option=_SORTED)
    return hashlib.sha256(given).hexdigest()


_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def _check_values(document: Mapping[str, Any], *, allows_references: bool) -> None:
    """A `${NAME}` that got here was not meant to be kept literally: as a key or an address it would be sent as such.

    Values are counted on the way, since a document in memory may hold itself.
    """
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        for name, item in _inner(value):
            count += 1
            where = (*path, name)
            if count > MAX_VALUES or len(where) > MAX_DEPTH:
                raise invalid({"document": f"Give at most {MAX_VALUES} values, nested at most {MAX_DEPTH} deep."})
            is_kept = name in _EXPANDED_FIELDS and isinstance(item, str) and not allows_references
            if is_kept and _REFERENCE.search(item):
                sentence = "Give the value itself: ${NAME} is expanded by the command line only (llmadmin apply)."
                raise invalid({".".join(where): sentence})
            waiting.append((where, item))


def _inner(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(name), item) for name, item in value.items()]
    return [(str(place), item) for place, item in enumerate(value)] if isinstance(value, list | tuple) else []
