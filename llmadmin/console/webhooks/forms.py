"""Where messages go."""

from __future__ import annotations

from django import forms

from llmadmin.alerts.services import MAX_URL_CHARS
from llmadmin.console.forms import ConsoleForm


class WebhookForm(ConsoleForm):
    label = forms.CharField(label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    url = forms.CharField(
        label="Address",
        max_length=MAX_URL_CHARS,
        help_text="Receives a POST with JSON for each published version.",
        widget=forms.URLInput(attrs={"class": "mono", "placeholder": "https://hooks.example.com/llmadmin"}),
    )


class EditWebhookForm(WebhookForm):
    enabled = forms.BooleanField(
        label="Enabled", required=False, help_text="Switched on again, it hears of versions from then on."
    )
