"""What templates show: icons, states, marks, money, counts, times, fields. Registered as built-ins in settings."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from heroicons.templatetags.heroicons import heroicon_micro, heroicon_mini, heroicon_outline

from llmadmin.console import formats

register = template.Library()

# state → (tone, word); the tone picks the colour of the dot, the word says the same without it
STATES: dict[str, tuple[str, str]] = {
    "healthy": ("ok", "Healthy"),
    "ready": ("ok", "Ready"),
    "active": ("ok", "Active"),
    "ok": ("ok", "OK"),
    "live": ("ok", "Live"),
    "recovered": ("warn", "Recovered"),
    "degraded": ("warn", "Degraded"),
    "cooling": ("warn", "Cooling down"),
    "draining": ("warn", "Draining"),
    "locked": ("warn", "Locked"),
    "deprecated": ("warn", "Deprecated"),
    "expiring": ("warn", "Expiring"),
    "no key": ("warn", "No key"),
    "waiting": ("warn", "Waiting"),
    "pending": ("warn", "Waiting"),
    "delivered": ("ok", "Delivered"),
    "unpriced": ("warn", "Unpriced"),
    "truncated": ("warn", "Truncated"),
    "cancelled": ("off", "Cancelled"),
    "disabled": ("off", "Disabled"),
    "revoked": ("off", "Revoked"),
    "expired": ("off", "Expired"),
    "ended": ("off", "Ended"),
    "unknown": ("off", "No traffic yet"),
    "down": ("bad", "Down"),
    "failed": ("bad", "Failed"),
    "error": ("bad", "Error"),
    "refused": ("bad", "Refused"),
    "stopped": ("bad", "Stopped"),
}


@register.simple_tag
def icon(name: str, size: int = 16, css: str = "") -> SafeString:
    """A heroicon that says nothing to screen readers; put words beside it. 16 is the micro set, 20 mini, 24 outline."""
    return _icon(str(name), size, css)


@functools.lru_cache(maxsize=512)
def _icon(name: str, size: int, css: str) -> SafeString:
    draw = {16: heroicon_micro, 20: heroicon_mini}.get(size, heroicon_outline)
    return SafeString(
        draw(name, size=size, **{"class": f"icon {css}".strip(), "aria-hidden": "true", "focusable": "false"})
    )


@register.simple_tag
def state(name: str, reason: str = "") -> SafeString:
    """A state as dot and word; `reason` shows on hover and is read out."""
    tone, word = STATES.get(str(name), ("off", str(name).replace("_", " ").capitalize()))
    if reason:
        return format_html(
            '<span class="state state-{}" title="{}"><span class="dot"></span>{}<span class="sr-only">: {}</span></span>',
            tone, reason, word, reason,
        )  # fmt: skip
    return format_html('<span class="state state-{}"><span class="dot"></span>{}</span>', tone, word)


@register.filter
def tone(name: str) -> str:
    """The tone of a state: `ok`, `warn`, `bad` or `off`."""
    return STATES.get(str(name), ("off", ""))[0]


@register.simple_tag
def mark(kind: str, size: int = 20) -> SafeString:
    """The mark of a provider folder, or its first letter where the folder brings none."""
    path = f"providers/{kind}/mark.svg"
    if _is_there(path):
        return format_html('<img class="mark" src="{}" width="{}" height="{}" alt="">', static(path), size, size)
    return format_html('<span class="mark mark-letter" aria-hidden="true">{}</span>', str(kind)[:1].upper())


@functools.lru_cache(maxsize=256)
def _is_there(path: str) -> bool:
    return finders.find(path) is not None


@register.simple_tag
def copy_button(text: str, label: str = "Copy") -> SafeString:
    """A button that copies `text`. `label` is what it says to screen readers and on hover."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" title="{}">{}{}<span class="sr-only">{}</span></button>',
        text, label, _icon("square-2-stack", 16, "copy-idle"), _icon("check", 16, "copy-done"), label,
    )  # fmt: skip


@register.filter
def money(value: Decimal | float | str | None) -> SafeString:
    """`$0.0042` with all digits on hover; None as "unpriced"."""
    css = "unpriced" if value is None else "money"
    return format_html('<span class="{}" title="{}">{}</span>', css, formats.usd_exact(value), formats.usd(value))


@register.filter
def rate(value: Decimal | None) -> str:
    return formats.rate(value)


@register.filter
def tokens(value: float | None) -> SafeString:
    """`12.4k` with the exact number on hover. Good for any count."""
    return format_html('<span title="{}">{}</span>', formats.count_exact(value), formats.count(value))


@register.filter
def duration(value_ms: float | None) -> str:
    return formats.duration(value_ms)


@register.filter
def seconds(value_s: float | None) -> str:
    return formats.seconds(value_s)


@register.filter
def percent(fraction: float | None) -> str:
    return formats.percent(fraction)


@register.filter
def plain(value: Any) -> str:
    return formats.plain(value)


@register.filter
def ago(moment: dt.datetime | None) -> SafeString | str:
    """`3 min ago` in the viewer's zone, exact with UTC on hover."""
    if moment is None:
        return "never"
    return _time(moment, formats.ago(timezone.localtime(moment), now=timezone.now()))


@register.filter
def at(moment: dt.datetime | None) -> SafeString | str:
    """`31 Jan 2026, 14:05` in the viewer's zone, UTC on hover."""
    return formats.UNKNOWN if moment is None else _time(moment, formats.day_and_time(timezone.localtime(moment)))


@register.filter
def day(moment: dt.datetime | None) -> SafeString | str:
    """`31 Jan 2026` in the viewer's zone, UTC on hover."""
    return formats.UNKNOWN if moment is None else _time(moment, formats.day(timezone.localtime(moment)))


def _time(moment: dt.datetime, text: str) -> SafeString:
    title = formats.exact(moment, zone=timezone.get_current_timezone())
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.astimezone(dt.UTC).isoformat(), title, text)


@register.filter
def initials(label: str) -> str:
    """One or two letters for the round badge of a person."""
    words = str(label).split("@")[0].replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def get(mapping: Any, name: Any) -> Any:
    """`mapping[name]`, or None; for keys that a template knows only as a variable."""
    try:
        return mapping[name]
    except (KeyError, IndexError, TypeError):
        return None


@register.filter
def attribute(instance: Any, name: str) -> Any:
    """The attribute that a template knows only as a variable."""
    return getattr(instance, name, None)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, css: str = "", hint: str = "") -> dict[str, Any]:
    """A form's field with label, help and error, tied together for screen readers. `hint` stands at the label's end."""
    is_check = getattr(bound.field.widget, "input_type", "") == "checkbox" and not hasattr(bound.field, "choices")
    if bound.field.required and not (is_check or bound.use_fieldset):
        bound.field.widget.attrs.setdefault("aria-required", "true")
    return {"field": bound, "css": css, "hint": hint, "is_check": is_check, "is_group": bound.use_fieldset}
