"""The command palette's endpoint: pages and objects by name, a handful of each."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from llmadmin.accounts.models import Service
from llmadmin.catalog.models import LanguageModel, Provider
from llmadmin.console import navigation
from llmadmin.console.access import needs
from llmadmin.routing.models import AgentMapping, Alias

_OF_EACH = 6
_LONGEST = 100
_ACTIONS = (
    ("Add provider", "providers:add", "plus"),
    ("Add alias", "aliases:add", "plus"),
    ("Add agent", "agents:add", "plus"),
    ("Add service", "services:add", "plus"),
    ("Import and export", "settings:transfer", "arrow-up-tray"),
)


@dataclass(frozen=True, slots=True)
class Hit:
    label: str
    url: str
    icon: str
    hint: str = ""


@needs()
def search(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:_LONGEST]
    groups = [("Pages", _pages(wanted)), ("Actions", _actions(wanted))]
    if wanted:
        groups += [("Providers", _providers(wanted)), ("Aliases", _aliases(wanted)), ("Models", _models(wanted))]
        groups += [("Agents", _agents(wanted)), ("Services", _services(wanted))]
    found = [(label, hits) for label, hits in groups if hits]
    return render(request, "components/palette_results.html", {"groups": found, "wanted": wanted})


def _pages(wanted: str) -> list[Hit]:
    links = [link for _, links in navigation.groups("") for link in links]
    return [Hit(link.label, link.url, link.icon) for link in links if wanted.lower() in link.label.lower()]


def _actions(wanted: str) -> list[Hit]:
    return [Hit(label, reverse(name), icon) for label, name, icon in _ACTIONS if wanted.lower() in label.lower()]


def _providers(wanted: str) -> list[Hit]:
    rows = Provider.objects.filter(Q(slug__icontains=wanted) | Q(label__icontains=wanted))[:_OF_EACH]
    return [Hit(row.title, reverse("providers:detail", args=[row.slug]), "server-stack", row.slug) for row in rows]


def _models(wanted: str) -> list[Hit]:
    provider, _, name = wanted.rpartition("/")
    rows = LanguageModel.objects.select_related("provider").filter(name__icontains=name or wanted)
    if provider:
        rows = rows.filter(provider__slug__istartswith=provider) | LanguageModel.objects.select_related(
            "provider"
        ).filter(name__icontains=wanted)
    return [
        Hit(row.name, reverse("models:detail", args=[row.pk]), "cube", row.provider.slug) for row in rows[:_OF_EACH]
    ]


def _aliases(wanted: str) -> list[Hit]:
    rows = Alias.objects.filter(name__icontains=wanted)[:_OF_EACH]
    return [Hit(row.name, reverse("aliases:detail", args=[row.name]), "arrows-right-left") for row in rows]


def _agents(wanted: str) -> list[Hit]:
    rows = AgentMapping.objects.filter(name__icontains=wanted).select_related("alias")[:_OF_EACH]
    return [Hit(row.name, reverse("agents:detail", args=[row.name]), "cpu-chip", row.alias.name) for row in rows]


def _services(wanted: str) -> list[Hit]:
    rows = Service.objects.filter(name__icontains=wanted, is_internal=False)[:_OF_EACH]
    return [Hit(row.name, reverse("services:detail", args=[row.name]), "key") for row in rows]
