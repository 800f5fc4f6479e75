"""Targets of an alias that no published config has, since their model or its provider is switched off."""

from __future__ import annotations

from dataclasses import dataclass

from llmadmin.catalog.models import LanguageModel
from llmadmin.routing.models import Alias


@dataclass(frozen=True, slots=True)
class Withheld:
    """A target that no call reaches, and why."""

    name: str
    kind: str
    why: str


def withheld_from(alias: Alias) -> list[Withheld]:
    """In the order of the alias; its canary, where that is withheld, first."""
    trial = [alias.canary_model] if alias.canary_model else []
    models = [*trial, *(target.model for target in alias.targets.all())]
    return [Withheld(model.full_name, model.provider.kind, _why(model)) for model in models if _why(model)]


def _why(model: LanguageModel) -> str:
    if not model.provider.enabled:
        return f"{model.provider.title} is switched off."
    return "" if model.enabled else "The model is switched off."
