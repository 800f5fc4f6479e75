"""What a playground run is made of."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.console.forms import ConsoleForm
from llmadmin.console.playground.choices import Choices
from llmadmin.console.playground.parameters import OFFERED

HINTS = {"temperature": "0 to 2", "top_p": "0 to 1", "stop": "with commas"}
MOST_COLUMNS = 4
MOST_STOPS = 4
LONGEST_PROMPT = 5_000_000


class RunForm(ConsoleForm):
    """The settings of a run. `model` may come several times: each one answers in its own column."""

    system = forms.CharField(
        label="System prompt",
        required=False,
        max_length=LONGEST_PROMPT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "You are a careful assistant."}),
    )
    prompt = forms.CharField(
        label="Message",
        max_length=LONGEST_PROMPT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "Ask something", "aria-keyshortcuts": "Control+Enter"}),
        error_messages={"required": "Write a message first."},
    )
    temperature = forms.FloatField(label="Temperature", required=False, min_value=0, max_value=2)
    top_p = forms.FloatField(label="Top p", required=False, min_value=0, max_value=1)
    max_tokens = forms.IntegerField(label="Max tokens", required=False, min_value=1, max_value=10_000_000)
    seed = forms.IntegerField(label="Seed", required=False, min_value=-(2**63), max_value=2**63 - 1)
    stop = forms.CharField(label="Stop at", required=False, max_length=500)

    def __init__(self, *args: Any, choices: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choices = choices
        for name, step in (("temperature", "0.1"), ("top_p", "0.05")):
            self.fields[name].widget.attrs |= {"step": step, "inputmode": "decimal"}
        for name in OFFERED:
            self.fields[name].widget.attrs |= {"placeholder": "default", "autocomplete": "off"}

    @property
    def chosen(self) -> list[str]:
        """The names to run, each once, in their order."""
        given = self.data.getlist("model") if self.is_bound and hasattr(self.data, "getlist") else []
        return list(dict.fromkeys(name for name in given if name))[:MOST_COLUMNS]

    def clean_stop(self) -> list[str]:
        stops = [text.strip() for text in self.cleaned_data["stop"].split(",") if text.strip()]
        if len(stops) > MOST_STOPS:
            raise forms.ValidationError("Give at most four texts to stop at.")
        return stops

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.chosen:
            raise forms.ValidationError("Choose an alias, an agent or a model to run.")
        gone = next((name for name in self.chosen if self.choices.destination(name) is None), None)
        if gone:
            raise forms.ValidationError(f"“{gone}” is not there any more. Choose another one.")
        return cleaned

    def call_of(self, model: str) -> dict[str, Any]:
        """The call as a caller of the gateway would send it; parameters left empty are left out."""
        cleaned = self.cleaned_data
        messages = [{"role": "system", "content": cleaned["system"]}] if cleaned["system"].strip() else []
        messages.append({"role": "user", "content": cleaned["prompt"]})
        given = {name: cleaned.get(name) for name in OFFERED}
        return {"model": model, "messages": messages} | {
            name: value for name, value in given.items() if value not in (None, "", [])
        }
