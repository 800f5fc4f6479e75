"""What every form of the console shares: services decide what is valid; their sentences land on the fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from llmadmin.core.errors import DomainError


class ConsoleForm(forms.Form):
    """A form whose errors come from the services below it, by the names of its fields.

    `renames` maps a service's field to the form's where the two differ.
    """

    use_required_attribute = False
    template_name = ""
    renames: Mapping[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def add_domain_error(self, problem: DomainError) -> None:
        """Put each sentence on its field, or at the top where the form has no such field."""
        for path, sentence in problem.fields.items():
            name = self._field_for(path)
            self.add_error(name, sentence if name else f"{path}: {sentence}")
        if not problem.fields:
            self.add_error(None, problem.message)

    def _field_for(self, path: str) -> str | None:
        whole = self.renames.get(path, path)
        first = self.renames.get(path.split(".")[0], path.split(".")[0])
        return next((name for name in (whole, first) if name in self.fields), None)


class RevisionForm(ConsoleForm):
    """A form over an existing object: it knows the revision that its reader saw."""

    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)


class JSONObjectField(forms.CharField):
    """A JSON object typed by hand; empty is `{}`. Errors say where it breaks."""

    widget = forms.Textarea

    def __init__(self, *, rows: int = 4, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", 100_000)
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": rows, "class": "mono", "spellcheck": "false", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return {}
        try:
            found = json.loads(text)
        except ValueError as problem:
            place = f" (line {problem.lineno}, column {problem.colno})" if isinstance(problem, json.JSONDecodeError) else ""
            raise ValidationError(f"This is not JSON{place}. Write an object such as {{\"name\": \"value\"}}.") from None
        except RecursionError:
            raise ValidationError("This is nested too deeply.") from None
        if not isinstance(found, dict):
            raise ValidationError('Write a JSON object such as {"name": "value"}.')
        return found
