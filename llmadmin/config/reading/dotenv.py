"""A `.env` file as the environment that it describes, and that environment as a config."""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers import environment
from providers.config import ConfigError, LLMConfig
from providers.registry import get_registry
from providers.sources import from_variables

_LINE = re.compile(r"^\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_SHARED = frozenset(
    {"PREFERRED_LLM_PROVIDER", "LLM_REQUEST_TIMEOUT", "LLM_MAX_RETRIES", "LLM_RETRY_DELAY", "LLM_RETRY_MAX_DELAY"}
)


def looks_like_dotenv(text: str) -> bool:
    """Whether every line says `NAME=value`, which no YAML mapping does."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and all(_LINE.match(line) for line in lines)


def read_variables(text: str, *, name: str) -> dict[str, str]:
    """`NAME=value` lines: quotes taken off, comments left out, nothing expanded. Raises ConfigError with the line."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.match(line)
        if parts is None:
            raise ConfigError({name: f"Line {number} is no NAME=value. Mend it, or take it out."})
        found[parts["name"]] = _value(parts["value"].strip(), number, name=name)
    return found


def _value(written: str, number: int, *, name: str) -> str:
    quote = written[:1]
    if quote not in ("'", '"'):
        return re.split(r"\s+#", written, maxsplit=1)[0].strip()
    end = re.search(rf"(?<!\\){quote}\s*(#.*)?$", written[1:])
    if end is None:
        raise ConfigError({name: f"Line {number} opens a quote that it does not close. Values take one line."})
    inner = written[1 : end.start() + 1]
    if quote == "'":
        return inner
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), inner)


def read_environment(variables: Mapping[str, str]) -> tuple[LLMConfig, list[str]]:
    """The config that a process with these variables would have, and a sentence on what says nothing about providers."""
    config = from_variables(variables)
    notes = []
    passed_over = sorted(set(variables) - _known() - _SHARED)
    if passed_over:
        notes.append(f"Passed over, since no provider reads them: {', '.join(passed_over)}.")
    if not config.providers:
        notes.append("No provider is described: none has a key, or an address where it needs none.")
    return config, notes


def _known() -> set[str]:
    """The names of variables that some provider reads."""
    registry = get_registry()
    names: set[str] = set()
    for slug in registry.slugs():
        metadata = environment.find_metadata(slug)
        prefix = slug.upper()
        names |= {f"{prefix}_{ending}" for ending in ("API_KEY", "BASE_URL", "DEFAULT_MODEL")}
        if metadata is not None:
            names |= {name for group in metadata.variables().values() for name in group}
    return names
