"""Why something is stopped, and who may let it run again."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.accounts.models import Role
from llmadmin.audit.actor import Actor
from llmadmin.console.forms import ConsoleForm, offer
from llmadmin.limits.services import LIFTING_ROLES, MAX_REASON_CHARS, rank_of, rank_of_role


class StopForm(ConsoleForm):
    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON_CHARS,
        help_text="Callers read it in their error message, colleagues on this page.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    lifted_by_role = forms.ChoiceField(
        label="Who may let it run again", help_text="This role, and those above it.", initial=Role.EDITOR
    )

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = rank_of(by)
        offer(self, "lifted_by_role", [(role, Role(role).label) for role in LIFTING_ROLES if rank_of_role(role) <= own])
