"""Inviting people, and the rules that hold for everyone who signs in."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.accounts.models import Role, SecondFactorRule, SignInWays
from llmadmin.console.forms import ConsoleForm, RevisionForm, offer

ROLE_WORDS = {
    Role.OWNER: "Everything, other owners included.",
    Role.ADMIN: "Everything but owners: people, services and their keys, the configuration.",
    Role.EDITOR: "Providers, API keys, models, aliases, agents, the playground, keys of their own.",
    Role.VIEWER: "Sees the configuration, calls and costs. Changes nothing.",
}


class InviteForm(ConsoleForm):
    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="They sign in with it. Nobody else can use the link for another address.",
    )
    role = forms.ChoiceField(label="Role", widget=forms.RadioSelect, initial=Role.EDITOR)

    def __init__(self, *args: Any, may_make_owners: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.roles = [role for role in Role if may_make_owners or role != Role.OWNER]
        offer(self, "role", [(role.value, role.label) for role in self.roles])

    def role_rows(self) -> list[tuple[str, str, str, bool]]:
        """(value, title, words, is chosen) for the explained choice."""
        chosen = self["role"].value()
        return [(role.value, role.label, ROLE_WORDS[role], role.value == chosen) for role in self.roles]


class RulesForm(RevisionForm):
    second_factor = forms.ChoiceField(
        label="Second factor",
        choices=SecondFactorRule.choices,
        help_text="Whoever is asked for one and has none sets it up at their next page. Single sign-on brings its own.",
    )
    ways = forms.ChoiceField(
        label="Ways to sign in",
        choices=SignInWays.choices,
        help_text="Owners always keep their password and passkeys, for the day when the provider is away.",
    )
