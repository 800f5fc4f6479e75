"""Pages of config versions: who changed what when, what differs, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.config.models import ConfigVersion
from llmadmin.config.rollback import rollback_to
from llmadmin.config.selectors import current_publication, diff, get_version, nothing_published
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import Refusal, why_of
from llmadmin.console.toasts import notify, notify_saved
from llmadmin.console.versions.changes import blocks_of, counts_of, summary_of
from llmadmin.console.versions.leftovers import left_over
from llmadmin.core.errors import DomainError, ForbiddenError
from llmadmin.core.paging import keyset_page

PAGE_SIZE = 50


@needs()
def version_list(request: HttpRequest) -> HttpResponse:
    found = ConfigVersion.objects.defer("document", "restore_state")
    page = keyset_page(found, order=["-number"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    rows = [(version, summary_of(version.changes)) for version in page.rows]
    return render_page(request, "versions/list.html", {"rows": rows, "page": page, "current": current_publication()[0]})


@needs()
def version_detail(request: HttpRequest, number: int) -> HttpResponse:
    """A version against the one before it, or against another one (`?to=`)."""
    return _detail(request, number)


def _detail(request: HttpRequest, number: int, *, refusal: Refusal | None = None) -> HttpResponse:
    version = get_version(number)
    other = _other(request.GET.get("to", ""), number)
    changes = diff(other, version) if request.GET.get("to") else version.changes
    blocks = blocks_of(changes)
    current = current_publication()[0]
    context = {
        "version": version,
        "other": other,
        "blocks": blocks,
        "counts": counts_of(blocks),
        "current": current,
        "is_current": number == current,
        "numbers": range(current, max(0, current - 100), -1),
        "refusal": refusal,
    }
    return render_page(request, "versions/detail.html", context, status=409 if refusal else 200)


def _other(given: str, number: int) -> ConfigVersion:
    wanted = int(given) if given.isdigit() and len(given) < 10 else number - 1
    return get_version(wanted) if wanted > 0 else nothing_published()


@require_POST
@needs(CONFIG_EDIT)
def restore_version(request: HttpRequest, number: int) -> HttpResponse:
    return _go_back(request, number, page=number, what=f"Version {number} restored")


@require_POST
@needs(CONFIG_EDIT)
def undo_version(request: HttpRequest, number: int) -> HttpResponse:
    """Back to the version before `number`, as long as nobody has published another one since."""
    current = current_publication()[0]
    if current != number:
        notify(
            request,
            f"v{current} was published since, so that undoing v{number} would undo that too. Compare them first.",
            level=messages.WARNING,
        )
        return redirect("versions:detail", number)
    if number == 1:
        notify(request, "This is the first version: there is nothing to go back to.", level=messages.WARNING)
        return redirect("versions:detail", number)
    return _go_back(request, number - 1, page=number, what=f"v{number} undone")


def _go_back(request: HttpRequest, number: int, *, page: int, what: str) -> HttpResponse:
    try:
        made = rollback_to(number, by=actor_of_request(request), why=why_of(request))
    except ForbiddenError:
        raise
    except DomainError as problem:
        return _detail(request, page, refusal=Refusal(problem.message, []))
    notify_saved(request, made, what=what, but=left_over(made, wanted=number))
    return redirect("versions:detail", made.version)
