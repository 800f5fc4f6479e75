"""Requests: every call one by one, and each taken apart."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from llmadmin.accounts.permissions import USAGE_VIEW
from llmadmin.console.access import needs
from llmadmin.console.errors.advice import advice_for, title_of
from llmadmin.console.htmx import render_page
from llmadmin.console.links import link
from llmadmin.console.periods import PRESETS, Period, period_of
from llmadmin.console.requests.detail import meter_lines, timeline_of
from llmadmin.console.requests.forms import FilterForm
from llmadmin.console.requests.search import find, known_names
from llmadmin.core.errors import InvalidError
from llmadmin.core.paging import Page
from llmadmin.usage.models import UsageRecord
from llmadmin.usage.selectors import get_record

DEFAULT_RANGE = "24h"
TRIED = {"tried_class": "error_class", "tried_provider": "provider"}


@needs(USAGE_VIEW)
def list_requests(request: HttpRequest) -> HttpResponse:
    period = period_of(request.GET, default=DEFAULT_RANGE)
    form = FilterForm(request.GET, names=known_names())
    tried = {field: request.GET[name][:64] for name, field in TRIED.items() if request.GET.get(name)}
    problem = ""
    page: Page[UsageRecord] = Page(rows=[], next_cursor=None, previous_cursor=None)
    try:
        page = find(form.given, period=period, tried=tried, cursor=request.GET.get("cursor"))
    except InvalidError as refused:
        problem = refused.message
    except OperationalError:
        problem = "This search took too long and was stopped. Choose a shorter time, or a filter by service or model."
    context = _context(request, form, period, tried) | {"page": page, "problem": problem}
    return render_page(request, "requests/list.html", context, fragment="requests")


@needs(USAGE_VIEW)
def show_request(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    record = get_record(record_id)
    lines = meter_lines(record)
    context = {
        "record": record,
        "lines": lines,
        "tokens": sum(line.tokens for line in lines),
        "timeline": timeline_of(record),
        "advice": advice_for(record.error_class) if record.error_class else None,
        "class_title": title_of(record.error_class) if record.error_class else "",
        "playground_url": link("playground:page", query={"model": _repeatable(record)}),
    }
    return render(request, "requests/detail.html", context)


def _context(request: HttpRequest, form: FilterForm, period: Period, tried: dict[str, str]) -> dict[str, Any]:
    given = {name: request.GET[name] for name in form.given}
    asked = {**given, **{name: request.GET[name] for name in TRIED if request.GET.get(name)}}
    without_tried = link("requests:list", query={**period.query, **given})
    return {
        "form": form,
        "period": period,
        "hidden": {**period.query, **{name: value for name, value in asked.items() if name in TRIED}},
        "range_hidden": asked,
        "presets": [(name, label, link("requests:list", query={**asked, "range": name})) for name, label, _ in PRESETS],
        "is_filtered": bool(asked),
        "clear_url": link("requests:list", query=period.query),
        "tried_words": _tried_words(tried),
        "without_tried_url": without_tried,
    }


def _tried_words(tried: dict[str, str]) -> str:
    if not tried:
        return ""
    what = title_of(tried["error_class"]).lower() if "error_class" in tried else "any error"
    return f"A try failed: {what}{' at ' + tried['provider'] if 'provider' in tried else ''}"


def _repeatable(record: UsageRecord) -> str:
    """The name under which the playground can run the same again."""
    if record.agent:
        return f"agent:{record.agent}"
    return record.alias or record.model
