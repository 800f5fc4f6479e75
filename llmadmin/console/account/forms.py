"""Accepting an invitation, and asking for a key of one's own."""

from __future__ import annotations

from django import forms

from llmadmin.accounts.personal_keys import LIFETIMES_DAYS
from llmadmin.console.forms import ConsoleForm


class AcceptForm(ConsoleForm):
    name = forms.CharField(
        label="Your name",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="How versions and the audit log call you.",
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, not a common one.",
    )


class OwnKeyForm(ConsoleForm):
    label = forms.CharField(label="What for", max_length=120, help_text="Where you use it, such as: laptop, notebook.")
    days = forms.TypedChoiceField(
        label="Ends after",
        coerce=int,
        choices=[(days, f"{days} days") for days in LIFETIMES_DAYS],
        initial=90,
    )
