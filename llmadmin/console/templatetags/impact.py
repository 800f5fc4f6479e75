"""`{% impact_line alias %}`: what a change of an object touches, with links. For forms and deletions."""

from __future__ import annotations

from typing import Any

from django import template

from llmadmin.console.impact.line import line_of

register = template.Library()


@register.inclusion_tag("impact/line.html")
def impact_line(subject: Any) -> dict[str, Any]:
    return {"line": line_of(subject) if subject else None}
