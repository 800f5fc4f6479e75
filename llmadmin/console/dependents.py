"""What stands in the way of a deletion, as links. The services name it as noun and name: `alias fast`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from llmadmin.catalog.models import LanguageModel


@dataclass(frozen=True, slots=True)
class Dependent:
    words: str
    url: str


def dependents_of(names: Sequence[str]) -> list[Dependent]:
    """Each with the page where it can be changed, where there is one. One query, however many."""
    ids = _model_ids(name.removeprefix("model ") for name in names if name.startswith("model "))
    return [Dependent(name, _url_of(name, ids)) for name in names]


def _url_of(words: str, model_ids: dict[str, str]) -> str:
    noun, _, name = words.partition(" ")
    pages: dict[str, Callable[[], str]] = {
        "alias": lambda: reverse("aliases:detail", args=[name]),
        "agent": lambda: reverse("agents:detail", args=[name]),
        "service": lambda: reverse("services:detail", args=[name]),
        "provider": lambda: reverse("providers:detail", args=[name.split(" ")[0]]),
        "model": lambda: reverse("models:detail", args=[model_ids[name]]) if name in model_ids else "",
        "default": lambda: reverse("aliases:list"),
    }
    try:
        return pages[noun]() if noun in pages else ""
    except NoReverseMatch:
        return ""


def _model_ids(full_names: Iterable[str]) -> dict[str, str]:
    wanted = set(full_names)
    if not wanted:
        return {}
    rows = LanguageModel.objects.filter(name__in={name.partition("/")[2] for name in wanted}).select_related("provider")
    return {row.full_name: str(row.pk) for row in rows if row.full_name in wanted}
