"""The panel "How it resolves now": the explanation of a name with what its page shows beside it, and the what-if switches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from llmadmin.accounts.models import Service
from llmadmin.catalog.models import Provider
from llmadmin.catalog.selectors import find_models
from llmadmin.console.health import ProviderHealth, providers_health
from llmadmin.core.errors import MissingError
from llmadmin.gateway.newest import newest_snapshot
from llmadmin.gateway.resolving import explanation_of
from llmadmin.gateway.snapshot import Snapshot
from llmadmin.impact.explaining import Explanation, Step
from llmadmin.impact.outage import Outage
from llmadmin.impact.touching import impact_of
from llmadmin.impact.withheld import Withheld, withheld_from
from llmadmin.routing.models import Alias, Strategy
from providers.config import UnknownNameError

MAX_NAMES = 50
"""Of a service: those it calls most."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step with what its page links to."""

    step: Step
    kind: str
    url_id: str
    health: ProviderHealth | None


@dataclass(frozen=True, slots=True)
class Switch:
    """One what-if switch. `inner` are those of a provider's keys, where it has several."""

    value: str
    label: str
    is_on: bool
    inner: tuple[Switch, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    explanation: Explanation
    canary: StepRow | None
    rows: tuple[StepRow, ...]
    withheld: tuple[Withheld, ...]
    switches: tuple[Switch, ...]
    strategy: str


@dataclass(frozen=True, slots=True)
class NameRow:
    """One name that a service calls, and who answers it. `panel` is None where nothing has that name any more."""

    name: str
    kind: str
    calls: int
    """Of this service, in the last seven days."""
    panel: Panel | None


@dataclass(frozen=True, slots=True)
class Board:
    """All names of a service, with one set of switches."""

    rows: tuple[NameRow, ...]
    switches: tuple[Switch, ...]
    outage: Outage
    left_out: int

    @property
    def unanswered(self) -> int:
        return sum(row.panel is not None and not row.panel.explanation.is_answered for row in self.rows)


def outage_of(request: HttpRequest) -> Outage:
    """What the address takes for down: `?without=provider:openai`, several times or with commas. Raises InvalidError."""
    return Outage.of(itertools.chain.from_iterable(text.split(",") for text in request.GET.getlist("without")[:200]))


def panel_for(request: HttpRequest, name: str, *, alias: Alias | None = None) -> Panel:
    """The panel of a name as callers write it. Raises MissingError for one that means nothing."""
    maker = _Maker(newest_snapshot(), outage_of(request))
    found = maker.explained(name)
    if found is None:
        raise MissingError(f"No alias, agent or model is called '{name[:200]}'.")
    return maker.panels([found], alias=alias)[0]


def panels_of_service(request: HttpRequest, service: Service) -> Board:
    """Every name that a service is granted or called last week, those called most first. The queries do not grow with them."""
    impact = impact_of(service)
    called = [*(("agent", row) for row in impact.agents), *(("alias", row) for row in impact.aliases)]
    called.sort(key=lambda pair: -pair[1].calls)
    maker = _Maker(newest_snapshot(), outage_of(request))
    shown = called[:MAX_NAMES]
    found = [maker.explained(f"agent:{row.name}" if kind == "agent" else row.name) for kind, row in shown]
    panels = iter(maker.panels([one for one in found if one is not None]))
    rows = [
        NameRow(row.name, kind, row.calls, next(panels) if one is not None else None)
        for (kind, row), one in zip(shown, found, strict=True)
    ]
    steps = [step for one in found if one is not None for step in _steps_of(one)]
    return Board(tuple(rows), maker.switches(steps), maker.outage, max(0, len(called) - MAX_NAMES))


class _Maker:
    """Makes panels of one moment: the snapshot, health and titles are read once."""

    def __init__(self, snapshot: Snapshot, outage: Outage) -> None:
        self.outage = outage
        self._snapshot = snapshot
        self._health = {one.slug: one for one in providers_health()}
        self._titles = {row.slug: row.title for row in Provider.objects.all()}

    def explained(self, name: str) -> Explanation | None:
        """How a name resolves, or None where it means nothing."""
        try:
            resolution = self._snapshot.config.resolve(name)
        except UnknownNameError:
            return None
        return explanation_of(self._snapshot, resolution, outage=self.outage)

    def panels(self, found: Sequence[Explanation], *, alias: Alias | None = None) -> list[Panel]:
        """A panel for each explanation; one query for all models in them."""
        steps = [step for one in found for step in _steps_of(one)]
        ids = {full: str(row.pk) for full, row in find_models({step.name for step in steps}).items()}
        return [self._panel(one, ids, alias) for one in found]

    def _panel(self, found: Explanation, ids: dict[str, str], alias: Alias | None) -> Panel:
        return Panel(
            explanation=found,
            canary=self._row(found.canary, ids) if found.canary else None,
            rows=tuple(self._row(step, ids) for step in found.steps),
            withheld=tuple(withheld_from(alias)) if alias else (),
            switches=self.switches(_steps_of(found)),
            strategy=dict(Strategy.choices).get(found.strategy, found.strategy) if found.alias else "",
        )

    def switches(self, steps: Iterable[Step]) -> tuple[Switch, ...]:
        """One for each provider in the steps, by title."""
        keys: dict[str, dict[str, str]] = {}
        for step in steps:
            keys.setdefault(step.provider, {}).update({key.id: key.label for key in step.keys})
        made = [self._switch(provider, labels) for provider, labels in keys.items()]
        return tuple(sorted(made, key=lambda switch: switch.label.lower()))

    def _switch(self, provider: str, labels: dict[str, str]) -> Switch:
        inner = [Switch(f"key:{key}", label, key in self.outage.keys) for key, label in labels.items()]
        return Switch(
            f"provider:{provider}",
            self._titles.get(provider, provider),
            provider in self.outage.providers,
            tuple(inner) if len(inner) > 1 else (),
        )

    def _row(self, step: Step, ids: dict[str, str]) -> StepRow:
        provider = self._snapshot.config.providers.get(step.provider)
        return StepRow(step, provider.kind if provider else "", ids.get(step.name, ""), self._health.get(step.provider))


def _steps_of(found: Explanation) -> list[Step]:
    return [*([found.canary] if found.canary else []), *found.steps]
