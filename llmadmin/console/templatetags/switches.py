"""The switch of one object, on its own page: a button that stops it, or a notice that says by whom it is stopped."""

from __future__ import annotations

from typing import Any

from django import template

from llmadmin.limits.selectors import find_stop

register = template.Library()


@register.inclusion_tag("components/stop_button.html", takes_context=True)
def stop_button(context: Any, scope: str, target: Any, name: str) -> dict[str, Any]:
    """`target` is what `limits` keeps (a service by its id), `name` what the address of the switch takes."""
    may = context.get("may") or {}
    return {
        "may_switch": may["switch"] if may else False,
        "scope": scope,
        "name": name,
        "stop": find_stop(scope, str(target)),
    }
