"""Bringing the tables to a state, through the same services that people's changes go through.

`apply` and rollback both say what should be; the differences are worked out here. First what is there is made or changed
(providers, keys, models, prices, aliases, agents, the default), then what is too much goes, in the opposite order.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from llmadmin.catalog import services as catalog
from llmadmin.catalog.fields import invalid
from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.catalog.ownership import overruled
from llmadmin.config.keys import KeyKeeper
from llmadmin.config.pairing import name_of, pair
from llmadmin.config.places import under
from llmadmin.config.state import DEFAULT, Entry, State, is_same, state_of_tables, whole
from llmadmin.config.tables import Tables
from llmadmin.routing import services as routing
from llmadmin.routing.models import AgentMapping, Alias

Row = TypeVar("Row")


@dataclass(slots=True)
class Reconciler:
    """One run. `secrets` holds the plaintext of keys by `slug/label`.

    `keeps_keys` is for a rollback: keys that the state does not know are put out of use instead of deleted, and with them
    their provider. `awaits_keys` is for a file: keys without text are made all the same, waiting to be entered.
    """

    desired: State
    secrets: Mapping[str, str] = field(default_factory=dict)
    keeps_keys: bool = False
    awaits_keys: bool = False
    reason: str = ""
    rows: Tables = field(default_factory=Tables.read)
    current: State = field(init=False)
    keys: KeyKeeper = field(init=False)

    def __post_init__(self) -> None:
        self.current = state_of_tables(self.rows)
        self.keys = KeyKeeper(self.secrets, keeps=self.keeps_keys, awaits=self.awaits_keys, reason=self.reason)

    def run(self) -> list[Entry]:
        """Do it. The answer lists keys that were entered anew, which no state shows."""
        with overruled():
            providers = self._providers()
            entered = self.keys.reach(self.rows.keys, self.desired["keys"], providers)
            models = self._models(providers)
            self._prices(models)
            self._aliases()
            self._agents()
            self._default()
            self._remove()
        return entered

    def _providers(self) -> dict[str, Provider]:
        found = {}
        for slug, entry, row in pair(self.desired["providers"], self.rows.providers):
            if row is not None and row.slug == slug and self._has("providers", slug, entry):
                found[slug] = row
                continue
            values = whole("providers", entry)
            with under(f"providers.{slug}"):
                if row is None:
                    found[slug] = catalog.create_provider(slug=slug, **values)
                else:
                    found[slug] = catalog.update_provider(row, slug=slug, **values)
        return found

    def _models(self, providers: Mapping[str, Provider]) -> dict[str, LanguageModel]:
        found = {}
        by_id = {str(row.pk): row for row in self.rows.models.values()}
        for full_name, entry, row in pair(self.desired["models"], self.rows.models.values()):
            slug, _, name = full_name.partition("/")
            if row is not None and row.full_name == full_name and self._has("models", full_name, entry):
                found[full_name] = row
                continue
            values = whole("models", entry)
            with under(f"models.{full_name}"):
                provider = providers.get(slug)
                if provider is None:
                    raise invalid(
                        {
                            "provider": f"The provider '{slug}' is gone from here, but this model is not. Remove it first."
                        }
                    )
                if row is None or row.provider_id != provider.pk:
                    found[full_name] = catalog.create_model(
                        provider, name=name, model_id=_free_id(entry, by_id), **values
                    )
                else:
                    found[full_name] = catalog.update_model(row, name=name, **values)
        return found

    def _prices(self, models: Mapping[str, LanguageModel]) -> None:
        by_id = {str(row.pk): row for row in self.rows.prices}
        for name, entry, row in pair(self.desired["prices"], self.rows.prices):
            if row is not None and self._has("prices", name, entry):
                continue
            values = whole("prices", entry)
            model = models[values.pop("model")]
            with under(f"models.{model.full_name}.price"):
                if row is not None and row.model_id == model.pk:
                    catalog.update_price(row, **values)
                else:
                    catalog.set_price(model, price_id=_free_id(entry, by_id), **values)

    def _aliases(self) -> None:
        for name, entry, row in pair(self.desired["aliases"], self.rows.aliases):
            if row is not None and row.name == name and self._has("aliases", name, entry):
                continue
            values = whole("aliases", entry)
            with under(f"aliases.{name}"):
                if row is None:
                    routing.create_alias(name=name, **values)
                else:
                    routing.update_alias(row, name=name, **values)

    def _agents(self) -> None:
        for name, entry, row in pair(self.desired["agents"], self.rows.agents):
            if row is not None and row.name == name and self._has("agents", name, entry):
                continue
            values = whole("agents", entry)
            with under(f"agents.{name}"):
                if row is None:
                    routing.create_agent(name=name, **values)
                else:
                    routing.update_agent(row, name=name, **values)

    def _default(self) -> None:
        entry = whole("default", self.desired["default"].get(DEFAULT, {"target": ""}))
        routing.set_default(entry["target"], source=entry["source"])

    def _remove(self) -> None:
        for agent in self._surplus("agents", AgentMapping):
            routing.delete_agent(agent)
        for alias in self._surplus("aliases", Alias):
            routing.delete_alias(alias)
        for price in self._surplus("prices", Price):
            catalog.delete_price(price)
        providers = [row for row in self._surplus("providers", Provider) if not self._withdraw(row)]
        for model in self._surplus("models", LanguageModel):
            catalog.delete_model(model)
        self.keys.remove(self.rows.keys, self.desired["keys"])
        for provider in providers:
            catalog.delete_provider(provider)

    def _withdraw(self, provider: Provider) -> bool:
        """Free a provider that is to go of its default model. True where it stays, out of use, because it has keys to keep."""
        stays = self.keeps_keys and any(key.provider_id == provider.pk for key in self.rows.keys)
        catalog.update_provider(provider, default_model="", **({"enabled": False} if stays else {}))
        return stays

    def _surplus(self, section: str, table: type[Row]) -> list[Row]:
        """Rows that the state does not have, by the names that they have by now."""
        wanted = self.desired[section]
        if all(name in wanted for name in self.current[section]):
            return []
        rows = _rows(table)
        return [row for name, row in rows.items() if name not in wanted]

    def _has(self, section: str, name: str, entry: Entry) -> bool:
        held = self.current[section].get(name)
        return held is entry or (held is not None and is_same(whole(section, held), whole(section, entry)))


def _rows(table: type[Any]) -> dict[str, Any]:
    rows = table.objects.all()
    if table is Price:
        rows = rows.select_related("model__provider")
    if table is LanguageModel:
        rows = rows.select_related("provider")
    return {name_of(row): row for row in rows}


def _free_id(entry: Entry, taken: Mapping[str, Any]) -> uuid.UUID | None:
    """The id that a restored row had, so that links to it work again."""
    wanted = entry.get("id", "")
    return uuid.UUID(wanted) if wanted and wanted not in taken else None
