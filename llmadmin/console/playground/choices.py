"""What the playground can run: aliases, agents and models, and where each of them leads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from llmadmin.catalog import selectors as catalog
from llmadmin.catalog.models import LanguageModel
from llmadmin.console.playground.parameters import AGENT_PREFIX
from llmadmin.routing import selectors as routing
from llmadmin.routing.models import AgentMapping, Alias, Strategy

MANY_MODELS = 2000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a name leads: its models in order, and how one is picked."""

    models: list[LanguageModel]
    words: str


class Choices:
    """Everything that can be picked, read in a fixed number of queries."""

    @cached_property
    def aliases(self) -> list[Alias]:
        return list(routing.aliases())

    @cached_property
    def agents(self) -> list[AgentMapping]:
        return list(routing.agents())

    @cached_property
    def models(self) -> list[LanguageModel]:
        return list(catalog.models().filter(enabled=True, provider__enabled=True)[:MANY_MODELS])

    @property
    def is_empty(self) -> bool:
        return not (self.aliases or self.agents or self.models)

    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """For a select: group, then value and label. Agents carry their prefix, since an alias may have the same name."""
        groups = [
            ("Aliases", [(alias.name, alias.name) for alias in self.aliases]),
            (
                "Agents",
                [(f"{AGENT_PREFIX}{agent.name}", f"{agent.name} → {agent.alias.name}") for agent in self.agents],
            ),
            ("Models", [(model.full_name, model.full_name) for model in self.models]),
        ]
        return [(label, members) for label, members in groups if members]

    def first(self) -> str:
        """What is picked before anybody chose: the default, else the first there is."""
        default = routing.default_name()
        return default or next((members[0][0] for _, members in self.groups()), "")

    def destination(self, name: str) -> Destination | None:
        """Where `name` leads; None for a name that is no longer there."""
        agent = next((one for one in self.agents if f"{AGENT_PREFIX}{one.name}" == name), None)
        alias = next((one for one in self.aliases if one.name == (agent.alias.name if agent else name)), None)
        if alias is not None:
            return _of_alias(alias)
        model = next((one for one in self.models if one.full_name == name), None)
        return Destination([model], "This model alone, without a fallback.") if model else None


def _of_alias(alias: Alias) -> Destination:
    models = [target.model for target in alias.targets.all()]
    if len(models) == 1:
        return Destination(models, "The alias has one target.")
    return Destination(models, f"{Strategy(alias.strategy).label} over {len(models)} targets.")
