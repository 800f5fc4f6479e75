"""The sidebar: groups of pages, each named by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the sidebar. `section` is the URL namespace (or name) that marks it as the current one."""

    label: str
    url_name: str
    icon: str
    section: str


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    entries: tuple[Entry, ...]


def _noun(label: str, noun: str, icon: str) -> Entry:
    return Entry(label, f"{noun}:list", icon, noun)


GROUPS = (
    Group("", (Entry("Overview", "overview", "squares-2x2", "overview"),)),
    Group(
        "Run",
        (
            Entry("Playground", "playground:page", "play-circle", "playground"),
            _noun("Requests", "requests", "queue-list"),
        ),
    ),
    Group(
        "Configure",
        (
            _noun("Providers", "providers", "server-stack"),
            _noun("Models", "models", "cube"),
            _noun("Aliases", "aliases", "arrows-right-left"),
            _noun("Agents", "agents", "cpu-chip"),
            _noun("Services", "services", "key"),
        ),
    ),
    Group(
        "Watch",
        (
            Entry("Costs", "costs:page", "banknotes", "costs"),
            Entry("Errors", "errors:page", "exclamation-triangle", "errors"),
            _noun("Switches", "switches", "power"),
        ),
    ),
    Group("History", (_noun("Versions", "versions", "clock"), _noun("Audit", "audit", "clipboard-document-list"))),
    Group("", (Entry("Settings", "settings:page", "cog-6-tooth", "settings"),)),
)


_WITHIN = {"people": "settings", "teams": "settings", "account": "settings", "webhooks": "settings"}
"""Sections that are reached through another one's entry."""
_SIGN_IN_PAGES = ("mfa_", "account_")


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    icon: str
    is_current: bool


def groups(section: str) -> Iterator[tuple[str, list[Link]]]:
    """The groups with their links, the current one marked; pages without a URL are left out."""
    section = "settings" if section.startswith(_SIGN_IN_PAGES) else _WITHIN.get(section, section)
    for group in GROUPS:
        links = [
            Link(one.label, url, one.icon, one.section == section)
            for one in group.entries
            if (url := _url(one.url_name))
        ]
        if links:
            yield group.label, links


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
