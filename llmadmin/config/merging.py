"""What the tables should be once a file holds: what is there, with the file's objects in their place.

What the file names is the file's from then on. What a file owned earlier and this one no longer has goes. All else stays.
API keys are different: one that the file leaves out is kept, as an omitted secret always is, unless the file lists others.
What people took over from the file is passed over, and so is what no file says (labels, descriptions, whether it is on).
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils import timezone

from llmadmin.catalog.fields import invalid
from llmadmin.catalog.kinds import find_kind
from llmadmin.config.state import DEFAULT, Entry, State, brief, price_name, whole
from llmadmin.core.fields import Source
from providers.config import LLMConfig
from providers.document import plain_decimal, write_canary, write_time
from providers.entries import PRICE_FIELDS, KeyConfig, LLMModelConfig, LLMProviderConfig, PriceConfig, PriceTier

_FILE = Source.FILE.value


class Merger:
    """One file over one state. `desired` is the state to reach, `secrets` the plaintexts in the file by `slug/label`."""

    def __init__(
        self,
        config: LLMConfig,
        current: State,
        *,
        passed_over: Collection[tuple[str, str]] = (),
        brings: str = _FILE,
    ) -> None:
        """`passed_over` are objects, as `(section, name)`, that stay as they are. `brings` is whose new objects are: the
        file's, or, for an import that happens once, those of whoever imports: nothing is dropped then.
        """
        self._config = config
        self._passed_over = frozenset(passed_over)
        self._brings = brings
        self._owns = brings == _FILE
        self._current = current
        self.desired: State = copy.deepcopy(current)
        self.secrets: dict[str, str] = {}
        self.kept_off: list[tuple[str, str]] = []
        """What the file no longer names and people switched off: it stays."""
        self._providers = self._completed_providers()
        self._merge_providers()
        self._merge_keys()
        self._merge_models()
        self._merge_prices()
        self._merge_aliases()
        self._merge_agents()
        self._merge_default()

    def _completed_providers(self) -> dict[str, LLMProviderConfig]:
        """Providers with what models say for them: an address or a key that only stands at a model."""
        found = dict(self._config.providers)
        for model in self._config.models.values():
            provider = found[model.provider]
            kind = find_kind(provider.kind)
            if model.api_url and not provider.base_url and not (kind and kind.base_url):
                provider = replace(provider, base_url=model.api_url)
            if model.api_key and model.api_key != provider.api_key:
                if provider.api_key:
                    sentence = "A key belongs to a provider here, and this one has another. Give the model a provider of its own."
                    raise invalid({f"models.{model.key}.api_key": sentence})
                provider = replace(provider, keys=(KeyConfig(id="", api_key=model.api_key), *provider.keys))
            found[model.provider] = provider
        return found

    def _merge_providers(self) -> None:
        for slug, provider in self._ours("providers", self._providers).items():
            held = self._current["providers"].get(slug, {})
            kind = find_kind(provider.kind)
            address = (provider.base_url or "").rstrip("/")
            self.desired["providers"][slug] = _kept(held, "id", "label", "enabled") | brief(
                "providers",
                {
                    "kind": provider.kind,
                    "base_url": "" if kind and address == (kind.base_url or "").rstrip("/") else address,
                    "default_model": provider.default_model or "",
                    "timeout_s": provider.timeout_s,
                    "max_retries": provider.max_retries,
                    "retry_delay_s": provider.retry_delay_s,
                    "retry_max_delay_s": provider.retry_max_delay_s,
                    "retry_on": None if provider.retry_on is None else sorted(provider.retry_on),
                    "fallback_on": None if provider.fallback_on is None else sorted(provider.fallback_on),
                    "headers": dict(provider.headers),
                    "options": dict(provider.options),
                    "source": self._source(held),
                },
            )
        self._drop("providers", self._providers)

    def _merge_keys(self) -> None:
        named: set[str] = set()
        for slug, provider in self._ours("providers", self._providers).items():
            for key in provider.keys:
                name = f"{slug}/{key.label}"
                if name in named:
                    raise invalid(
                        {f"providers.{slug}.keys": f"Two keys are labelled '{key.label}'. Give each its own label."}
                    )
                named.add(name)
                self._merge_key(name, key)
        lists_keys = {name.partition("/")[0] for name in named}
        for name, entry in self._current["keys"].items():
            slug = name.partition("/")[0]
            is_left_out = slug in lists_keys or slug not in self.desired["providers"]
            if self._owns and entry.get("source") == _FILE and is_left_out and name not in named:
                del self.desired["keys"][name]

    def _merge_key(self, name: str, key: KeyConfig) -> None:
        held = self._current["keys"].get(name)
        said = _said_of(key)
        if held is None:
            state = {} if key.state == "active" else {"state": key.state}
            self.desired["keys"][name] = {**said, **state, "source": self._brings}
        else:
            others = {name: value for name, value in held.items() if name not in _KEY_FIELDS}
            kept = others if held.get("source") == _FILE else held
            self.desired["keys"][name] = {**kept, **said, "weight": key.weight}
        if key.api_key:
            self.secrets[name] = key.api_key
            self.desired["keys"][name].pop("source_ref", None)
            if held and whole("keys", held)["state"] in ("failed", "locked"):
                self.desired["keys"][name] |= {"state": "active", "state_reason": ""}

    def _merge_models(self) -> None:
        for name, model in self._ours("models", self._config.models).items():
            held = self._current["models"].get(name, {})
            home = (self._providers[model.provider].base_url or "").rstrip("/")
            own = (model.api_url or "").rstrip("/")
            self.desired["models"][name] = _kept(held, "id", "enabled") | brief(
                "models",
                {
                    "api_url": "" if own == home else own,
                    "context_window": model.context_window,
                    "max_output_tokens": model.max_output_tokens,
                    "capabilities": list(model.capabilities),
                    "parameters": dict(model.parameters),
                    "source": self._source(held),
                },
            )
        self._drop("models", self._config.models)

    def _merge_prices(self) -> None:
        now = timezone.now()
        named = self._ours("models", self._config.models)
        for name, entry in self._current["prices"].items():
            model = named.get(entry["model"])
            is_dropped = self._owns and entry.get("source") == _FILE and model is not None and model.price is None
            if is_dropped or entry["model"] not in self.desired["models"]:
                del self.desired["prices"][name]
        history: dict[str, list[tuple[str, Entry]]] = {}
        for name, entry in self.desired["prices"].items():
            history.setdefault(entry["model"], []).append((name, entry))
        for model in named.values():
            if model.price is not None:
                self._merge_price(model, model.price, history.get(model.key, []), now)

    def _merge_price(
        self, model: LLMModelConfig, price: PriceConfig, history: list[tuple[str, Entry]], now: dt.datetime
    ) -> None:
        """The file's price holds from its day on, or, without one, from now on where another one holds."""
        rates = _rates(price) | ({"tiers": [_tier(tier) for tier in price.tiers]} if price.tiers else {})
        begun = [(_at(entry), name, entry) for name, entry in history if _at(entry) <= now]
        in_force = max(begun, key=lambda one: one[0], default=None)
        day = price.effective_from
        if in_force is not None and _rates_of(in_force[2]) == rates and day in (None, in_force[0].date()):
            return
        start = now if day is None else dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
        for at, name, _ in begun:
            if at >= start:
                del self.desired["prices"][name]
        entry = {"model": model.key, "effective_from": write_time(start), **rates, "source": self._brings}
        self.desired["prices"][price_name(model.key, start)] = entry

    def _merge_aliases(self) -> None:
        for name, alias in self._ours("aliases", self._config.aliases).items():
            held = self._current["aliases"].get(name, {})
            targets = [
                {"model": target.model, "weight": target.weight, "params": dict(target.params)}
                for target in alias.targets
            ]
            self.desired["aliases"][name] = (
                _kept(held, "id", "description")
                | {"targets": self._with_those_off(targets, held.get("targets", []))}
                | brief(
                    "aliases",
                    {
                        "strategy": alias.strategy,
                        "params": dict(alias.params),
                        "cache_ttl_s": alias.cache_ttl_s,
                        "deprecated": alias.deprecated,
                        "deprecated_at": alias.deprecated_at,
                        "replacement": alias.replacement,
                        "sunset_at": alias.sunset_at,
                        "after_sunset": alias.after_sunset,
                        "canary": write_canary(alias.canary) if alias.canary else None,
                        "source": self._source(held),
                    },
                )
            )
        self._drop("aliases", self._config.aliases)

    def _merge_agents(self) -> None:
        for name, agent in self._ours("agents", self._config.agents).items():
            held = self._current["agents"].get(name, {})
            self.desired["agents"][name] = (
                _kept(held, "id", "description")
                | {"alias": agent.alias}
                | brief(
                    "agents",
                    {"params": dict(agent.params), "headers": dict(agent.headers), "source": self._source(held)},
                )
            )
        self._drop("agents", self._config.agents)

    def _merge_default(self) -> None:
        held = self._current["default"].get(DEFAULT)
        if ("default", DEFAULT) in self._passed_over:
            return
        if self._config.default_model:
            self.desired["default"] = {DEFAULT: {"target": self._config.default_model, "source": self._source(held)}}
        elif self._owns and held and held.get("source") == _FILE:
            self.desired["default"] = {}

    def _ours(self, section: str, named: Mapping[str, Any]) -> dict[str, Any]:
        """What the file names and may say something of."""
        return {name: entry for name, entry in named.items() if (section, name) not in self._passed_over}

    def _source(self, held: Mapping[str, Any] | None) -> str:
        """Whose the object is from now on: an import that happens once leaves what is there to whoever has it."""
        return str(self._brings if self._owns or not held else held.get("source", Source.UI.value))

    def _drop(self, section: str, named: Iterable[str]) -> None:
        """What a file owned and this one does not name."""
        if not self._owns:
            return
        gone = [name for name, entry in self._current[section].items() if entry.get("source") == _FILE]
        for name in set(gone) - set(named):
            has_home = section != "models" or name.partition("/")[0] in self.desired["providers"]
            if has_home and self._is_off(section, name):
                self.kept_off.append((section, name))
            else:
                del self.desired[section][name]

    def _is_off(self, section: str, name: str) -> bool:
        """Whether people switched it off: an export can't name it then, so that being left out says nothing."""
        if section not in ("providers", "models"):
            return False
        entry = self._current[section].get(name, {})
        is_on = whole(section, entry)["enabled"]
        return not is_on or (section == "models" and self._is_off("providers", name.partition("/")[0]))

    def _with_those_off(self, targets: list[Entry], held: list[Entry]) -> list[Entry]:
        """The file's targets; where it names just those that are on, the others keep their places among them."""
        live = [one["model"] for one in held if not self._is_off("models", one["model"])]
        if len(live) == len(held) or [one["model"] for one in targets] != live:
            return targets or held
        said = {one["model"]: one for one in targets}
        return [said.get(one["model"], one) for one in held]


_KEY_FIELDS = ("allowed_models", "calls_per_minute", "tokens_per_minute", "expires_at", "source_ref")


def _said_of(key: KeyConfig) -> Entry:
    """What a file says of a key; what it leaves out holds on for a key that is not the file's own."""
    said = {name: getattr(key, name) for name in _KEY_FIELDS} | {"weight": key.weight}
    said |= {"allowed_models": list(key.allowed_models), "source_ref": key.source_ref or ""}
    return brief("keys", said)


def _kept(held: Mapping[str, Any], *names: str) -> Entry:
    return {name: held[name] for name in names if name in held}


def _at(entry: Entry) -> dt.datetime:
    return dt.datetime.fromisoformat(entry["effective_from"])


def _rates(price: PriceConfig | PriceTier) -> Entry:
    found = ((name, getattr(price, name)) for name in PRICE_FIELDS)
    return {name: plain_decimal(value) for name, value in found if value is not None}


def _tier(tier: PriceTier) -> Entry:
    return {"above_input_tokens": tier.above_input_tokens, **_rates(tier)}


def _rates_of(entry: Entry) -> Entry:
    return {name: entry[name] for name in (*PRICE_FIELDS, "tiers") if name in entry}
