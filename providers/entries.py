"""The entries of a resolved config: what stands under `providers`, `models`, `aliases` and `agents`.

They are immutable values without behaviour towards the outside; `document.py` reads and writes them, `config.py` holds
them together. Money is `Decimal` in USD per million tokens, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

PRICE_FIELDS = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
    "reasoning_usd_per_mtok",
)


KEY_STATES = ("active", "draining")


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Prices that hold for the whole call once its input, cached tokens included, is above `above_input_tokens`.

    A price left at None is that of the level below.
    """

    above_input_tokens: int
    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    reasoning_usd_per_mtok: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """What a million tokens of each meter cost. None is unknown or not sold apart; 0 is free and said to be so."""

    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    reasoning_usd_per_mtok: Decimal | None = None
    tiers: tuple[PriceTier, ...] = ()
    effective_from: date | None = None


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """One API key of a provider. `api_key` is None where the reader may not see it.

    `allowed_models` are the names that it may be used for, empty for all. The limits are over a rolling minute. A key that is
    `draining` is used only where no active one can be. `source_ref` says where its text lies outside of the database
    (`env:NAME`, `file:/path`); only the server reads it, by its own allow-list.
    """

    id: str
    label: str = "default"
    weight: int = 1
    api_key: str | None = field(default=None, repr=False)
    state: str = "active"
    allowed_models: tuple[str, ...] = ()
    calls_per_minute: int | None = None
    tokens_per_minute: int | None = None
    expires_at: datetime | None = None
    source_ref: str | None = None


@dataclass(frozen=True, slots=True)
class LLMProviderConfig:
    """How one provider is reached.

    `kind` is the provider type (the slug of a provider folder) and `name` what this config calls it; each defaults to
    the other. `api_key` is short for one key; of several `keys` it is the first whose text is known. `base_url` left at
    None is the vendor's own. `retry_on` and `fallback_on` are error classes (`rate_limit`, `timeout` …) that replace
    what the errors say of themselves. `stopped` is the reason why a switch lets nothing through to it now.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    default_model: str | None = None
    timeout_s: float = 60.0
    max_retries: int = 2
    retry_delay_s: float = 0.5
    retry_max_delay_s: float = 8.0
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    name: str = ""
    keys: tuple[KeyConfig, ...] = ()
    retry_on: frozenset[str] | None = None
    fallback_on: frozenset[str] | None = None
    stopped: str = ""

    def __post_init__(self) -> None:
        write = object.__setattr__
        if not self.kind:
            write(self, "kind", self.name)
        if not self.name:
            write(self, "name", self.kind)
        if self.keys:
            write(self, "keys", tuple(self.keys))
            if self.api_key is None:
                write(self, "api_key", next((key.api_key for key in self.keys if key.api_key), None))
        elif self.api_key:
            write(self, "keys", (KeyConfig(id=f"{self.name or 'provider'}-default", api_key=self.api_key),))


@dataclass(frozen=True, slots=True)
class LLMModelConfig:
    """One model of one provider; `key` (`provider/name`) is what others call it.

    `max_tokens` and `temperature` are defaults for calls and stand in `parameters` too; `max_output_tokens` is the
    model's limit. `api_url` and `api_key` are for a model that is served somewhere else than its provider.
    """

    name: str
    provider: str
    api_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    max_tokens: int | None = None
    temperature: float | None = None
    is_default: bool = False
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    price: PriceConfig | None = None

    def __post_init__(self) -> None:
        write = object.__setattr__
        write(self, "provider", str(getattr(self.provider, "value", self.provider)))
        write(self, "capabilities", tuple(self.capabilities))
        parameters = dict(self.parameters)
        for name in ("max_tokens", "temperature"):
            given = getattr(self, name)
            if given is not None:
                parameters[name] = given
            else:
                write(self, name, parameters.get(name))
        write(self, "parameters", parameters)

    @property
    def key(self) -> str:
        return f"{self.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """One place an alias may go: always a model (`provider/name`), never another alias."""

    model: str
    weight: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CanaryConfig:
    """A target on trial: `share_percent` of an alias's calls go to it first, since `since`; the others never do."""

    model: str
    share_percent: float
    params: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None


AFTER_SUNSET = ("answer", "refuse")
"""What a deprecated alias does once its sunset has come."""


@dataclass(frozen=True, slots=True)
class AliasConfig:
    """A name that callers use, and the targets that it may go to.

    `deprecated` is a sentence for callers, or None. Beside it may stand since when (`deprecated_at`), the name to use
    instead (`replacement`), when this one ends (`sunset_at`), and what happens then (`after_sunset`, of `AFTER_SUNSET`).
    """

    name: str
    targets: tuple[TargetConfig, ...]
    strategy: str = "priority"
    params: Mapping[str, Any] = field(default_factory=dict)
    cache_ttl_s: int = 0
    deprecated: str | None = None
    deprecated_at: datetime | None = None
    replacement: str | None = None
    sunset_at: datetime | None = None
    after_sunset: str = "answer"
    canary: CanaryConfig | None = None

    def has_ended(self, now: datetime) -> bool:
        """Whether this alias answers no more: its sunset has come, and it was to refuse from then on."""
        return self.after_sunset == "refuse" and self.sunset_at is not None and self.sunset_at <= now


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Which alias a type of agent runs on, with parameters and headers of its own."""

    name: str
    alias: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
