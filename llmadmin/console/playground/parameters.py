"""Which parameters a call may carry, by the rules of the models that would answer it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from llmadmin.catalog.kinds import catalogue_of, find_kind
from llmadmin.catalog.models import LanguageModel
from providers.base.parameters import ParameterRules

OFFERED = ("temperature", "top_p", "max_tokens", "stop", "seed")
"""What the playground has fields for, in their order."""
AGENT_PREFIX = "agent:"


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether one parameter may be set; `reason` says why not, or what becomes of it."""

    name: str
    is_allowed: bool = True
    reason: str = ""


def rules_of(model: LanguageModel) -> ParameterRules:
    """What holds for this model: its vendor's rules, then those of its own entry, then what an admin wrote."""
    kind = model.provider.kind
    metadata = find_kind(kind)
    rules = (metadata.parameters if metadata else ParameterRules()) | catalogue_of(kind).rules_for(model.name)
    return rules | ParameterRules.from_dict(_written_rules(model.parameters))


def allowances(models: Iterable[LanguageModel]) -> dict[str, Allowance]:
    """For each offered parameter whether every one of `models` takes it."""
    found = {name: Allowance(name) for name in OFFERED}
    for model in models:
        rules = rules_of(model)
        for name in OFFERED:
            if name in rules.refused:
                found[name] = Allowance(name, is_allowed=False, reason=f"{model.full_name} does not take it.")
            elif name in rules.fixed and found[name].is_allowed:
                reason = f"{model.full_name} always runs with {rules.fixed[name]}."
                found[name] = Allowance(name, is_allowed=False, reason=reason)
            elif name in rules.dropped and found[name].is_allowed:
                reason = f"{model.full_name} sets it itself."
                found[name] = Allowance(name, is_allowed=False, reason=reason)
    return found


def _written_rules(parameters: dict[str, Any]) -> dict[str, Any]:
    """Only the rules of a model's `parameters`; plain defaults such as `temperature` stand beside them."""
    known = {"rename": dict, "fixed": dict, "refused": list, "dropped": list, "yields": dict}
    return {name: parameters[name] for name, kind in known.items() if isinstance(parameters.get(name), kind)}
