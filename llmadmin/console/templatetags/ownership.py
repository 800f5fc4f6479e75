"""Whose an object is, at the top of its page: a config file's, with the way to take it over, or taken over from one."""

from __future__ import annotations

from typing import Any

from django import template

from llmadmin.config.ownership import applied_file, takeover_of
from llmadmin.core.fields import Source

register = template.Library()


@register.inclusion_tag("components/ownership.html", takes_context=True)
def ownership(context: dict[str, Any], noun: str, name: str, row: Any) -> dict[str, Any]:
    """`{% ownership "alias" alias.name alias %}`: nothing for what people made."""
    is_file = row.source == Source.FILE
    return {
        "noun": noun,
        "name": name,
        "is_file": is_file,
        "file": applied_file() if is_file else None,
        "takeover": None if is_file else takeover_of(noun, row),
        "may": context.get("may"),
        "csrf_token": context.get("csrf_token"),
        "here": context["request"].path,
    }
