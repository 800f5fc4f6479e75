"""An agent's form."""

from __future__ import annotations

from typing import Any

from django import forms

from llmadmin.console.forms import HeadersField, JSONObjectField, RevisionForm, offer
from llmadmin.routing.models import AgentMapping, Alias

_NAMES = ("name", "alias", "params", "headers", "description")


class AgentForm(RevisionForm):
    name = forms.CharField(
        label="Agent",
        max_length=128,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="The agent's type, such as coder. Callers may send it as agent:coder.",
    )
    alias = forms.ChoiceField(
        label="Runs on alias", help_text="Point it at another alias to move the agent to other models."
    )
    params = JSONObjectField(
        label="Parameters", rows=3, help_text="A JSON object; they win over the alias's parameters."
    )
    headers = HeadersField(label="Extra headers", help_text="Sent with each of the agent's calls, one a line.")
    description = forms.CharField(label="Description", max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Alias.objects.order_by("name").values_list("name", flat=True)
        offer(self, "alias", [("", "Choose an alias"), *((name, name) for name in names)])

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in _NAMES}


def values_of(agent: AgentMapping) -> dict[str, Any]:
    return {name: getattr(agent, name) for name in _NAMES} | {"alias": agent.alias.name, "revision": agent.revision}
