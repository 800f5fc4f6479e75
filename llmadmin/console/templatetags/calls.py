"""How pages about calls write a record: times to the second, tokens in and out, classes of errors in words."""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmadmin.console import formats
from llmadmin.console.errors.advice import title_of
from llmadmin.usage.models import UsageRecord

register = template.Library()


@register.filter
def moment(value: dt.datetime) -> SafeString:
    """`14:05:09` today, with the day before it on other days; UTC on hover."""
    here = timezone.localtime(value)
    text = f"{here:%H:%M:%S}" if here.date() == timezone.localdate() else f"{here:%-d %b %H:%M:%S}"
    title = formats.exact(value, zone=timezone.get_current_timezone())
    return format_html('<time datetime="{}" title="{}">{}</time>', value.astimezone(dt.UTC).isoformat(), title, text)


@register.filter
def class_title(error_class: str) -> str:
    return title_of(error_class)


@register.filter
def tokens_in(record: UsageRecord) -> int:
    return record.input_tokens + record.cached_input_tokens + record.cache_write_tokens


@register.filter
def tokens_out(record: UsageRecord) -> int:
    return record.output_tokens + record.reasoning_tokens
