"""Forms of services and their keys."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.accounts.models import Service
from llmadmin.accounts.services import SCOPES
from llmadmin.console.forms import ConsoleForm, MomentField, RevisionForm, offer
from llmadmin.routing.models import Alias

SCOPE_WORDS = {
    "config:read": ("Read the config", "Fetch the resolved config and the objects behind it, without any API key."),
    "secrets:read": (
        "Read API keys",
        "The config then holds the providers' keys in plain text. Only for services that call providers themselves.",
    ),
    "usage:write": ("Report usage", "Send records of calls that it made by itself."),
    "usage:read": ("Read usage", "See calls and cost of every service."),
    "gateway:call": ("Call models", "Send calls through the gateway, under the aliases below."),
    "admin": (
        "Administer",
        "Change providers, keys, models, aliases, agents and services over REST. Give it to deployment tools only.",
    ),
}
GRACE_CHOICES = [("0", "at once"), ("3600", "in 1 hour"), ("86400", "in 1 day"), ("604800", "in 7 days")]


class ServiceForm(RevisionForm):
    name = forms.CharField(
        label="Name",
        max_length=63,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="Lower-case letters, digits, - and _. Its calls and cost stand under this name.",
    )
    description = forms.CharField(label="Description", max_length=300, required=False)
    team = forms.CharField(
        label="Team", max_length=63, required=False, help_text="A short name; costs can be grouped by it.",
        widget=forms.TextInput(attrs={"list": "teams", "autocomplete": "off"}),
    )  # fmt: skip
    scopes = forms.MultipleChoiceField(
        label="What its keys may do",
        choices=[(name, SCOPE_WORDS.get(name, (name, ""))[0]) for name in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one, else its keys open nothing."},
    )
    aliases = forms.MultipleChoiceField(
        label="Aliases it may call", required=False, widget=forms.CheckboxSelectMultiple
    )
    enabled = forms.BooleanField(
        label="In use", required=False, initial=True, help_text="Switched off, none of its keys opens anything."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(Alias.objects.order_by("name").values_list("name", flat=True))
        names += [name for name in self.initial.get("aliases") or () if name not in names]
        self.alias_names = names
        offer(self, "aliases", [(name, name) for name in names])

    def scope_rows(self) -> list[tuple[str, str, str, bool]]:
        """(scope, title, words, is chosen) for the explained checkboxes."""
        chosen = self["scopes"].value() or []
        return [(name, *SCOPE_WORDS.get(name, (name, "")), name in chosen) for name in SCOPES]

    def alias_rows(self) -> list[tuple[str, bool]]:
        chosen = set(self["aliases"].value() or [])
        return [(name, name in chosen) for name in self.alias_names]

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "description", "team", "scopes", "aliases")}


class IssueForm(ConsoleForm):
    label = forms.CharField(
        label="Label", max_length=120, required=False, help_text="Where the key is used, such as: production."
    )
    expires_at = MomentField(label="Expires")


def values_of(service: Service) -> dict[str, Any]:
    names = ("name", "description", "scopes", "aliases", "enabled", "revision")
    return {name: getattr(service, name) for name in names} | {"team": service.team.slug if service.team else ""}
