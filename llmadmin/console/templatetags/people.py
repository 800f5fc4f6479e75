"""What pages about people say: a browser's name instead of what it sends."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

register = template.Library()

# The first that matches names it; browsers carry the names of others behind their own.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")),
    *(("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """`Firefox on Windows`; what no browser sent, by its own first word."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent.partition("/")[0][:40] or "Unknown browser"


@register.filter
def as_json(value: Any) -> str:
    """`value` as JSON for a data attribute, where the template's escaping makes it safe."""
    return json.dumps(value, cls=DjangoJSONEncoder)
