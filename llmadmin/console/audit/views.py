"""The audit log: every change, sign-in, read of secrets and refusal."""

from __future__ import annotations

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import AUDIT_EXPORT
from llmadmin.audit.exporting import FORMATS, begin_export
from llmadmin.audit.models import AuditEntry
from llmadmin.audit.selectors import ORDER, get_entry, same_request, search
from llmadmin.console.access import needs
from llmadmin.console.audit.forms import AuditFilterForm
from llmadmin.console.htmx import render_page
from llmadmin.console.links import link
from llmadmin.console.versions.changes import lines_of
from llmadmin.core.paging import Page, keyset_page
from llmadmin.usage.selectors.records import STATEMENT_LIMIT_MS, statement_limit

PAGE_SIZE = 50
OTHERS_SHOWN = 50


@needs()
def entry_list(request: HttpRequest) -> HttpResponse:
    form = AuditFilterForm(request.GET)
    given = {name: request.GET[name] for name in form.given}
    problem = ""
    page: Page[AuditEntry] = Page(rows=[], next_cursor=None, previous_cursor=None)
    try:
        with statement_limit(STATEMENT_LIMIT_MS):
            page = keyset_page(search(form.wanted), order=ORDER, cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    except OperationalError:
        problem = "This search took too long and was stopped. Choose fewer days, or a kind of object."
    context = {
        "rows": [(entry, lines_of(entry.before, entry.after)) for entry in page.rows],
        "page": page,
        "form": form,
        "problem": problem,
        "is_filtered": bool(given),
        "exports": [(name, link("audit:export", query={**given, "as": name})) for name in FORMATS],
    }
    return render_page(request, "audit/list.html", context, fragment="entries")


@needs()
def show_entry(request: HttpRequest, number: int) -> HttpResponse:
    entry = get_entry(number)
    context = {
        "entry": entry,
        "lines": lines_of(entry.before, entry.after),
        "others": same_request(entry)[:OTHERS_SHOWN],
        "object_url": link("audit:list", query={"type": entry.object_type, "name": entry.object_name}),
    }
    return render(request, "audit/detail.html", context)


@needs(AUDIT_EXPORT)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All entries that the filters of the page ask for, as a file."""
    form = request.GET.get("as", "csv")
    pieces = begin_export(AuditFilterForm(request.GET).wanted, form=form, by=actor_of_request(request))
    name = f"audit-{timezone.localdate()}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(pieces, content_type=FORMATS[form], headers=headers)
