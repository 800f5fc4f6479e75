"""All configuration rows at once, in a fixed number of queries whatever their number."""

from __future__ import annotations

import gc
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel, Target
from llmadmin.vault.models import ApiKey

Row = TypeVar("Row", bound=Model)


@contextmanager
def garbage_left_alone() -> Iterator[None]:
    """Without the cycle collector, which else looks through all rows of a large config several times while they are made.

    Only for work that is short and leaves no cycles. Nested, the outermost turns it on again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows as they are in this transaction, each list in the order in which the document names them."""

    providers: list[Provider]
    keys: list[ApiKey]
    models: dict[uuid.UUID, LanguageModel]
    prices: list[Price]
    """By model, the earliest first."""
    aliases: list[Alias]
    targets: dict[int, list[Target]]
    """By alias, in order."""
    agents: list[AgentMapping]
    default: DefaultModel | None

    @classmethod
    @garbage_left_alone()
    def read(cls) -> Tables:
        """Eight queries. Relations are joined here, so that using them asks no more; keys come without their ciphertext."""
        providers = {row.pk: row for row in Provider.objects.defer(*_UNUSED).order_by("slug")}
        places = {pk: place for place, pk in enumerate(providers)}
        models = _joined(LanguageModel.objects.defer(*_UNUSED).order_by("name"), "provider", providers)
        aliases = {row.pk: row for row in Alias.objects.defer(*_UNUSED).order_by("name")}
        for row in aliases.values():
            if row.canary_model_id is not None:
                row.canary_model = models[row.canary_model_id]
        keys = _joined(ApiKey.objects.defer("ciphertext", *_UNUSED).order_by("label"), "provider", providers)
        prices = _joined(Price.objects.defer(*_UNUSED).order_by("effective_from"), "model", models)
        targets: dict[int, list[Target]] = defaultdict(list)
        for target in _joined(Target.objects.order_by("alias_id", "position"), "model", models).values():
            targets[target.alias_id].append(target)
        agents = _joined(AgentMapping.objects.defer(*_UNUSED).order_by("name"), "alias", aliases)
        default = DefaultModel.objects.select_related("alias", "model__provider").first()
        return cls(
            providers=list(providers.values()),
            # Sorting keeps the order of names within a provider.
            keys=sorted(keys.values(), key=lambda key: places[key.provider_id]),
            models=dict(sorted(models.items(), key=lambda item: places[item[1].provider_id])),
            prices=list(prices.values()),
            aliases=list(aliases.values()),
            targets=targets,
            agents=list(agents.values()),
            default=default,
        )


_UNUSED = ("created_at", "updated_at")
"""What no document and no state names. Reading thousands of moments takes longer than all else about a row."""


def _joined(rows: QuerySet[Row], relation: str, others: Mapping[Any, Model]) -> dict[Any, Row]:
    """Rows by primary key, each with its `relation` at hand. The descriptor does the same, ten times as slowly."""
    column = f"{relation}_id"
    found = {}
    for row in rows:
        row._state.fields_cache[relation] = others[getattr(row, column)]  # noqa: SLF001  # where the descriptor keeps it
        found[row.pk] = row
    return found
