"""The reader's profile, and the file of an import."""

from __future__ import annotations

import zoneinfo
from pathlib import PurePath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from llmadmin.config.passphrases import MIN_LENGTH
from llmadmin.console.forms import ConsoleForm

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
MAX_FILE_BYTES = 5 * 1024 * 1024


class ProfileForm(ConsoleForm):
    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="How versions and the audit log call you."
    )
    time_zone = forms.CharField(
        label="Time zone", max_length=64, help_text="Times show in it, with UTC on hover.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    theme = forms.ChoiceField(label="Theme", choices=THEMES)

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"])
        if name not in zoneinfo.available_timezones():
            raise ValidationError("Choose a zone such as Europe/Berlin, Asia/Dubai or UTC.")
        return name


class ImportForm(ConsoleForm):
    """A file, or its text; the preview sends the text along for the second step."""

    file = forms.FileField(
        label="File",
        required=False,
        help_text="llm_config.yaml, LiteLLM's config.yaml, or a .env.",
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml,.json,.env"}),
    )
    name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        max_length=MAX_FILE_BYTES,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
    )
    once = forms.BooleanField(
        label="Import once",
        required=False,
        help_text="What it brings can be edited here, and nothing is removed. Otherwise the file stays in charge of it.",
    )
    passphrase = forms.CharField(
        label="Passphrase",
        required=False,
        strip=False,
        max_length=1000,
        help_text="Only for a file that carries sealed API keys.",
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        file = given.get("file")
        if file and file.size > MAX_FILE_BYTES:
            self.add_error("file", "The file is larger than 5 MB. Split it, or use llmadmin apply.")
        elif file:
            try:
                given["text"] = file.read().decode("utf-8")
                given["name"] = PurePath(file.name or "").name[:200]
            except UnicodeDecodeError:
                self.add_error("file", "This is no UTF-8 text. Choose a YAML, JSON or .env file.")
        elif not given.get("text", "").strip():
            self.add_error("file", "Choose a file, or paste its text below.")
        return given


class SealForm(ConsoleForm):
    """The passphrase that seals API keys in an export, given twice: whoever mistypes it loses the file."""

    passphrase = forms.CharField(
        label="Passphrase",
        strip=False,
        max_length=1000,
        help_text=f"At least {MIN_LENGTH} characters. It is kept nowhere: without it the keys in the file are lost.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Once more",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("passphrase") and given.get("again") and given["passphrase"] != given["again"]:
            self.add_error("again", "The two differ. Type the same passphrase twice.")
        return given
