"""All configuration rows at once, in a fixed number of queries whatever their number."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.routing.models import AgentMapping, Alias, DefaultModel, Target
from llmadmin.vault.models import ApiKey


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
    def read(cls) -> Tables:
        """Eight queries. Relations are joined here, so that using them asks no more; keys come without their ciphertext."""
        providers = {provider.pk: provider for provider in Provider.objects.order_by("slug")}
        models = {model.pk: model for model in LanguageModel.objects.order_by("name")}
        aliases = {alias.pk: alias for alias in Alias.objects.order_by("name")}
        for model in models.values():
            model.provider = providers[model.provider_id]
        keys = list(ApiKey.objects.defer("ciphertext").order_by("label"))
        for key in keys:
            key.provider = providers[key.provider_id]
        prices = list(Price.objects.order_by("effective_from"))
        for price in prices:
            price.model = models[price.model_id]
        targets: dict[int, list[Target]] = defaultdict(list)
        for target in Target.objects.order_by("alias_id", "position"):
            target.model = models[target.model_id]
            targets[target.alias_id].append(target)
        agents = list(AgentMapping.objects.order_by("name"))
        for agent in agents:
            agent.alias = aliases[agent.alias_id]
        default = DefaultModel.objects.select_related("alias", "model__provider").first()
        return cls(
            providers=list(providers.values()),
            keys=sorted(keys, key=lambda key: (key.provider.slug, key.label)),
            models=dict(sorted(models.items(), key=lambda item: (item[1].provider.slug, item[1].name))),
            prices=prices,
            aliases=list(aliases.values()),
            targets=targets,
            agents=agents,
            default=default,
        )
