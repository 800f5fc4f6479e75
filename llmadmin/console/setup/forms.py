"""The first owner."""

from __future__ import annotations

from django import forms

from llmadmin.console.forms import ConsoleForm


class SetupForm(ConsoleForm):
    token = forms.CharField(
        label="Setup token",
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono", "autofocus": True}
        ),
        help_text="The server printed it on its last lines when it started.",
    )
    email = forms.EmailField(label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, not a common one.",
    )
