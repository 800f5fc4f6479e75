"""What a change touches, in one line whose words are links: for the foot of forms and for deletions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from llmadmin.catalog.models import LanguageModel, Price, Provider
from llmadmin.console import formats
from llmadmin.console.links import link, to_requests
from llmadmin.console.periods import span_query
from llmadmin.impact.touching import Impact, Subject, impact_of
from llmadmin.routing.models import AgentMapping, Alias
from llmadmin.vault.models import ApiKey

_LISTS = ("alias", "agent", "service")
_PLURALS = {"alias": "aliases", "agent": "agents", "service": "services", "model": "models", "call": "calls"}


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of the line; `url` opens what it counts. `after` is what parts it from the next piece."""

    text: str
    url: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class ImpactLine:
    """`Touches 3 agents and 4 services · $312 last week`."""

    touched: tuple[Words, ...]
    served: Words | None
    page_url: str

    @property
    def text(self) -> str:
        """The line as plain text, as screen readers and tests take it."""
        if not self.touched and self.served is None:
            return "Nothing uses it yet."
        names = "".join(f"{one.text}{one.after}" for one in self.touched)
        parts = [f"Touches {names}" if names else "", self.served.text if self.served else "no calls last week"]
        return " · ".join(part for part in parts if part)


def line_of(subject: Subject) -> ImpactLine:
    return written(impact_of(subject), key=key_of(subject))


def written(impact: Impact, *, key: str) -> ImpactLine:
    """The line for what was found; `key` names the object in addresses."""
    page = link("impact:page", query={impact.kind: key})
    counts = [("model", impact.models), *((kind, len(getattr(impact, _PLURALS[kind]))) for kind in _LISTS)]
    if impact.kind in _LISTS:
        # What an object leads to is not touched by it: an agent's alias, the names that a service calls.
        counts = counts[_LISTS.index(impact.kind) + 2 :]
    shown = [(kind, count) for kind, count in counts if count]
    last = len(shown) - 1
    touched = tuple(
        Words(
            counted(count, kind),
            f"{page}#{_PLURALS[kind]}",
            "" if place == last else " and " if place == last - 1 else ", ",
        )
        for place, (kind, count) in enumerate(shown)
    )
    served = Words(served_words(impact), calls_url(impact)) if impact.calls else None
    return ImpactLine(touched, served, page)


def counted(count: int, noun: str) -> str:
    """`1 agent`, `3 agents`."""
    return f"{count:,} {noun if count == 1 else _PLURALS[noun]}"


def served_words(impact: Impact) -> str:
    """`$312 last week`, and how many calls that leaves out where a price is not known."""
    if impact.cost_usd is None:
        return f"{counted(impact.calls, 'call')} last week, unpriced"
    words = f"{formats.usd(impact.cost_usd)} last week"
    return f"{words}, {counted(impact.unpriced_calls, 'call')} unpriced" if impact.unpriced_calls else words


def calls_url(impact: Impact) -> str:
    """The calls that were counted, in the explorer; a key's calls have no filter there, so they open the page of the impact."""
    names: dict[str, Any] = {"price": "model"}
    if impact.kind == "key":
        return ""
    return to_requests(span_query(impact.from_at, impact.to_at), **{names.get(impact.kind, impact.kind): impact.name})


def key_of(subject: Subject) -> str:
    """How an address names the object: by its slug or name, else by its id."""
    match subject:
        case Provider():
            return subject.slug
        case ApiKey() | LanguageModel() | Price():
            return str(subject.pk)
    return subject.name


def page_of(subject: Subject) -> str:
    """The object's own page."""
    match subject:
        case Provider():
            return reverse("providers:detail", args=[subject.slug])
        case ApiKey():
            return reverse("keys:detail", args=[subject.pk])
        case LanguageModel():
            return reverse("models:detail", args=[subject.pk])
        case Price():
            return reverse("models:detail", args=[subject.model_id])
        case Alias():
            return reverse("aliases:detail", args=[subject.name])
        case AgentMapping():
            return reverse("agents:detail", args=[subject.name])
    return reverse("services:detail", args=[subject.name])
