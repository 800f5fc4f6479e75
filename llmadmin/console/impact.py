"""What a change would touch, in one line: counted, not guessed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from llmadmin.accounts.models import Service
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.routing.models import AgentMapping, Alias


def of_provider(provider: Provider) -> str:
    models = LanguageModel.objects.filter(provider=provider).count()
    return _sentence(models=models, aliases=_alias_names(Q(targets__model__provider=provider)))


def of_model(model: LanguageModel) -> str:
    return _sentence(aliases=_alias_names(Q(targets__model=model)))


def of_alias(alias: Alias) -> str:
    return _sentence(aliases=[alias.name], names_aliases=False)


def _alias_names(condition: Q) -> list[str]:
    return list(Alias.objects.filter(condition).distinct().values_list("name", flat=True))


def _sentence(*, aliases: list[str], models: int = 0, names_aliases: bool = True) -> str:
    agents = AgentMapping.objects.filter(alias__name__in=aliases).count() if aliases else 0
    services = _callers(aliases) if aliases else 0
    counted = [
        *([(models, "model")] if models else []),
        *([(len(aliases), "alias")] if names_aliases else []),
        (agents, "agent"),
        (services, "service"),
    ]
    words = [f"{number} {noun if number == 1 else _plural(noun)}" for number, noun in counted if number]
    if not words:
        return "Nothing uses it yet."
    return f"Touches {', '.join(words[:-1])} and {words[-1]}." if len(words) > 1 else f"Touches {words[0]}."


def _callers(aliases: Iterable[str]) -> int:
    """Enabled services that may call at least one of these: those without a limit, and those that name one."""
    wanted = set(aliases)
    granted = Service.objects.filter(enabled=True, is_internal=False).values_list("aliases", flat=True)
    return sum(1 for names in granted if not names or wanted & set(names))


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
