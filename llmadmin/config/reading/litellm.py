"""LiteLLM's `config.yaml` as a config of ours, and sentences on all that has no counterpart here.

Each `model_name` becomes an alias over its deployments; each account (address, key, options) a provider. Fallbacks become
later targets. Sections are those of docs.litellm.ai/docs/proxy/configs and /config_settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from llmadmin.config.reading.litellm_deployments import Deployment, known_model, read_deployment
from llmadmin.core.fields import NAME
from providers.config import ConfigError, LLMConfig
from providers.sources import from_mapping

_REFERENCE = re.compile(r"^os\.environ/(?P<name>[A-Za-z_][A-Za-z0-9_]*)$")
_STRATEGIES = {
    "simple-shuffle": "weighted",
    "latency-based-routing": "least_latency",
    "cost-based-routing": "cheapest",
    "least-busy": "round_robin",
    "usage-based-routing": "weighted",
    "usage-based-routing-v2": "weighted",
}
_NEAREST = {"least-busy", "usage-based-routing", "usage-based-routing-v2"}
MAX_WEIGHT = 1000
MAX_RETRIES = 10


def is_litellm(raw: Mapping[str, Any]) -> bool:
    return "model_list" in raw or ("litellm_settings" in raw and "providers" not in raw)


def read_litellm(raw: Mapping[str, Any], *, environ: Mapping[str, str] | None) -> tuple[LLMConfig, list[str]]:
    """The config and the sentences. Without `environ` (on a server) references stay unread: keys then wait to be entered.

    Raises ConfigError for what can't be read at all.
    """
    reader = _Reader(raw, environ)
    document = reader.document()
    if reader.problems:
        raise ConfigError(reader.problems)
    return from_mapping(document), reader.notes


@dataclass(slots=True)
class _Group:
    """A `model_name`: what becomes an alias. Targets are `(model, share, params, order)`."""

    targets: list[tuple[str, float, dict[str, Any], int]] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)


class _Reader:
    def __init__(self, raw: Mapping[str, Any], environ: Mapping[str, str] | None) -> None:
        self.raw = raw
        self.notes: list[str] = []
        self.problems: dict[str, str] = {}
        self.is_server = environ is None
        own = raw.get("environment_variables")
        self.environ = {
            **(environ or {}),
            **({str(k): str(v) for k, v in own.items()} if isinstance(own, dict) else {}),
        }
        self.router = _mapping(raw.get("router_settings"))
        self.module = _mapping(raw.get("litellm_settings"))
        self.providers: dict[str, dict[str, Any]] = {}
        self.accounts: dict[str, str] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, _Group] = {}
        self.dropped: dict[str, list[str]] = {}

    def document(self) -> dict[str, Any]:
        for place, entry in enumerate(self._entries()):
            for one in self._deployments(entry, f"model_list[{place}]"):
                self._take(one)
        self._note_dropped()
        self._take_fallbacks()
        aliases = {name: self._alias(name, group) for name, group in self.groups.items() if group.targets}
        for name in self.groups.keys() - aliases.keys():
            self.notes.append(f"{name} has no deployment that could be carried over, so there is no alias {name}.")
        aliases |= self._other_names(aliases)
        self._note_settings()
        return {"providers": self.providers, "models": list(self.models.values()), "aliases": aliases}

    def _entries(self) -> list[Any]:
        given = self.raw.get("model_list") or []
        if not isinstance(given, list):
            self.problems["model_list"] = "Must be a list of deployments."
            return []
        return given

    def _deployments(self, entry: Any, path: str) -> Iterable[Deployment]:
        """The entry's deployment, once for each organization where it lists several."""
        if not isinstance(entry, Mapping) or not isinstance(entry.get("litellm_params"), Mapping):
            self.problems[path] = "Needs 'model_name' and 'litellm_params', a mapping with 'model'."
            return
        params = {**self._credential(entry, path), **entry["litellm_params"]}
        params.pop("litellm_credential_name", None)
        params |= {name: entry[name] for name in ("rpm", "tpm") if name in entry and name not in params}
        several = params.get("organization")
        for organization in several if isinstance(several, list) else [several]:
            given = {**params, "organization": organization}
            resolved = {name: self._resolved(name, value, f"{path}.litellm_params") for name, value in given.items()}
            yield read_deployment(str(entry.get("model_name") or ""), path, resolved, _mapping(entry.get("model_info")))

    def _credential(self, entry: Mapping[str, Any], path: str) -> dict[str, Any]:
        wanted = entry["litellm_params"].get("litellm_credential_name")
        for one in self.raw.get("credential_list") or []:
            if isinstance(one, Mapping) and one.get("credential_name") == wanted:
                return dict(_mapping(one.get("credential_values")))
        if wanted:
            self.problems[f"{path}.litellm_params.litellm_credential_name"] = f"There is no credential '{wanted}'."
        return {}

    def _resolved(self, name: str, value: Any, path: str) -> Any:
        """A key as `(label, text or None)`; anything else as it is, read from the environment where it says so."""
        found = _REFERENCE.match(value) if isinstance(value, str) else None
        variable = found["name"] if found else ""
        if name in ("api_key", "azure_ad_token"):
            if not found:
                return ("default", str(value)) if value else None
            return (variable, self.environ.get(variable))
        if not found:
            return value
        if variable not in self.environ:
            where = "Write the value itself: the server reads no environment for a file" if self.is_server else "Set it"
            self.problems[f"{path}.{name}"] = f"Needs the environment variable {variable}. {where}."
        return self.environ.get(variable)

    def _take(self, one: Deployment) -> None:
        group = self.groups.setdefault(one.group, _Group())
        for setting in one.dropped:
            self.dropped.setdefault(setting, []).append(one.group)
        if one.left_out:
            self.notes.append(f"A deployment of {one.group} is left out: {one.left_out}.")
            if "*" in one.group:
                del self.groups[one.group]
            return
        slug = self._account(one)
        full_name = f"{slug}/{one.model}"
        self._model(slug, full_name, one)
        if full_name in [target[0] for target in group.targets]:
            self.notes.append(f"{one.group} names {full_name} twice with the same account; it became one target.")
            return
        group.targets.append((full_name, one.share, one.params, one.order))

    def _account(self, one: Deployment) -> str:
        """The provider for this address, key and options: LiteLLM keeps them at each deployment, we once."""
        identity = repr((one.prefix, sorted(one.provider.items(), key=str), one.key))
        slug = self.accounts.get(identity)
        if slug is None:
            base = "local" if (one.prefix, one.kind) == ("openai", "local") else re.sub(r"[^a-z0-9_-]", "-", one.prefix)
            slug = base if base not in self.providers else f"{base}-{self._next(base)}"
            self.accounts[identity] = slug
            self.providers[slug] = {**one.provider, **self._calls(one)}
            if one.key is not None:
                label, text = one.key
                self.providers[slug]["keys"] = [{"label": label} | ({"api_key": text} if text else {})]
                if not text:
                    self.notes.append(f"The API key of {slug} is read from {label}, which is not known here: enter it.")
        elif (one.timeout_s, one.max_retries) != (None, None) and self._calls(one).items() - self.providers[
            slug
        ].items():
            self.notes.append(
                f"{one.group} has a timeout or retries of its own; {slug} keeps those of its first deployment."
            )
        return slug

    def _next(self, base: str) -> int:
        return next(number for number in range(2, 10_000) if f"{base}-{number}" not in self.providers)

    def _calls(self, one: Deployment) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        timeout = _first(one.timeout_s, self.router.get("timeout"), self.module.get("request_timeout"))
        retries = _first(one.max_retries, self.router.get("num_retries"), self.module.get("num_retries"))
        if timeout is not None:
            settings["timeout_s"] = timeout
        if retries is not None:
            settings["max_retries"] = min(retries, MAX_RETRIES) if isinstance(retries, int) else retries
        if (delay := self.router.get("retry_after")) is not None:
            settings["retry_delay_s"] = delay
        return settings

    def _model(self, slug: str, full_name: str, one: Deployment) -> None:
        entry = dict(one.entry)
        listed_as = entry.pop("listed_as", "")
        held = self.models.setdefault(full_name, {"name": one.model, "provider": slug})
        known = known_model(one.kind, listed_as) if listed_as and len(held) == 2 else {}
        for found in (entry, known):
            held |= {name: value for name, value in found.items() if value and name not in held}

    def _take_fallbacks(self) -> None:
        for section, settings in (("router_settings", self.router), ("litellm_settings", self.module)):
            for kind in ("fallbacks", "context_window_fallbacks"):
                for group, names in _pairs(settings.get(kind)):
                    self._fall_back(group, names, f"{section}.{kind}")
                if kind == "context_window_fallbacks" and settings.get(kind):
                    self.notes.append(f"{section}.{kind}: these targets also answer when the ones before them fail.")
            for group in self.groups:
                self._fall_back(group, settings.get("default_fallbacks") or [], f"{section}.default_fallbacks")

    def _fall_back(self, group: str, names: Any, path: str) -> None:
        if group == "*":
            for every in self.groups:
                self._fall_back(every, names, path)
            return
        if group not in self.groups:
            self.notes.append(f"{path}: there is no {group} to fall back from.")
            return
        for name in names if isinstance(names, list) else [names]:
            if not isinstance(name, str) or name not in self.groups:
                self.notes.append(f"{path}: {group} falls back to {_shown(name)}, which is no model_name of this file.")
            elif name != group and name not in self.groups[group].fallbacks:
                self.groups[group].fallbacks.append(name)

    def _alias(self, name: str, group: _Group) -> dict[str, Any]:
        """Its own deployments by the router's strategy, then those it falls back to, which have no weight."""
        wanted = str(self.router.get("routing_strategy") or "simple-shuffle")
        strategy = _STRATEGIES.get(wanted, "weighted")
        own = sorted(group.targets, key=lambda target: target[3])
        later = [target for other in group.fallbacks for target in self.groups[other].targets]
        seen = {target[0] for target in own}
        later = [one for place, one in enumerate(later) if one[0] not in seen | {each[0] for each in later[:place]}]
        has_order = len({target[3] for target in own}) > 1
        if len(own) == 1 or has_order:
            targets = [_target(target, 1) for target in (*own, *later)]
            return {"strategy": "priority", "targets": targets}
        if later and strategy != "weighted":
            self.notes.append(
                f"{name} has fallbacks, so its own deployments share calls by weight instead of {wanted}."
            )
            strategy = "weighted"
        weights = _weights([target[1] for target in own])
        mine = [_target(target, weight) for target, weight in zip(own, weights, strict=True)]
        return {"strategy": strategy, "targets": [*mine, *(_target(target, 0) for target in later)]}

    def _other_names(self, aliases: Mapping[str, Any]) -> dict[str, Any]:
        """`model_group_alias`: another name for a group."""
        found = {}
        for name, meant in _mapping(self.router.get("model_group_alias")).items():
            group = meant.get("model") if isinstance(meant, Mapping) else meant
            if group in aliases:
                found[str(name)] = aliases[str(group)]
            else:
                self.notes.append(
                    f"router_settings.model_group_alias: {name} stands for {_shown(group)}, which is not here."
                )
        for name in [*found, *aliases]:
            try:
                NAME(name)
            except ValidationError:
                self.problems[f"aliases.{name}"] = str(NAME.message)
        return found

    def _note_dropped(self) -> None:
        for setting, groups in self.dropped.items():
            names = list(dict.fromkeys(groups))
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            self.notes.append(f"{setting} of {', '.join(names[:3])}{more} is not carried over.")

    def _note_settings(self) -> None:
        strategy = self.router.get("routing_strategy")
        if strategy and (strategy in _NEAREST or strategy not in _STRATEGIES):
            near = _STRATEGIES.get(str(strategy), "weighted")
            self.notes.append(f"router_settings.routing_strategy: {strategy} became {near}, the nearest one here.")
        if any(target[1] for group in self.groups.values() for target in group.targets):
            self.notes.append(
                "rpm and tpm became the weights of targets; they limit nothing here. Set limits at the API keys."
            )
        known = {
            "fallbacks",
            "context_window_fallbacks",
            "default_fallbacks",
            "num_retries",
            "timeout",
            "request_timeout",
        }
        known |= {"routing_strategy", "model_group_alias", "retry_after"}
        taken = {"model_list", "router_settings", "litellm_settings", "environment_variables", "credential_list"}
        for section, settings in (("router_settings", self.router), ("litellm_settings", self.module)):
            self._note_rest(section, settings.keys() - known)
        if "master_key" in _mapping(self.raw.get("general_settings")):
            self.notes.append(
                "general_settings.master_key: callers get service keys of their own here (create-service)."
            )
        for section in sorted(self.raw.keys() - taken):
            self._note_rest(section, _mapping(self.raw[section]).keys() - {"master_key"})

    def _note_rest(self, section: str, names: Iterable[str]) -> None:
        if left := sorted(map(str, names)):
            self.notes.append(f"{section}: {', '.join(left)} {'is' if len(left) == 1 else 'are'} not carried over.")


def _target(target: tuple[str, float, dict[str, Any], int], weight: int) -> dict[str, Any]:
    return {"model": target[0], "weight": weight, "params": target[2]}


def _weights(shares: list[float]) -> list[int]:
    """Whole weights from 1 to 1000 in the proportion of the shares; all 1 where some share is unknown."""
    if not all(shares):
        return [1] * len(shares)
    scale = max(shares) / MAX_WEIGHT if max(shares) > MAX_WEIGHT else min(1, *shares)
    return [min(MAX_WEIGHT, max(1, round(share / scale))) for share in shares]


def _pairs(fallbacks: Any) -> Iterable[tuple[str, Any]]:
    for one in fallbacks if isinstance(fallbacks, list) else [fallbacks]:
        yield from ((str(group), names) for group, names in _mapping(one).items())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _shown(value: Any) -> str:
    return str(value.get("model", "an entry of its own") if isinstance(value, Mapping) else value)
