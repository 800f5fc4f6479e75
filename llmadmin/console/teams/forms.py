"""A team: its name, and who is in it."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.accounts.models import Team, User
from llmadmin.console.forms import RevisionForm, offer


class TeamForm(RevisionForm):
    slug = forms.CharField(
        label="Short name",
        max_length=63,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="Lower-case letters, digits, - and _. Services and files name the team by it.",
    )
    name = forms.CharField(label="Name", max_length=120, required=False, help_text="As people read it.")
    members = forms.MultipleChoiceField(label="Members", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = list(User.objects.filter(is_active=True).order_by("email"))
        offer(self, "members", [(person.email, person.label) for person in self.people])

    def member_rows(self) -> list[tuple[User, bool]]:
        chosen = set(self["members"].value() or [])
        return [(person, person.email in chosen) for person in self.people]

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("slug", "name", "members")}


def values_of(team: Team) -> dict[str, Any]:
    members = list(team.members.values_list("email", flat=True))
    return {"slug": team.slug, "name": team.name, "members": members, "revision": team.revision}
