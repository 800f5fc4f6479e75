"""Pages of config versions: who changed what when, what differs, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.config.models import ConfigVersion
from llmadmin.config.rollback import rehearse_rollback, rollback_to
from llmadmin.config.selectors import current_publication, diff, get_version, nothing_published
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import Refusal, why_of
from llmadmin.console.toasts import notify, notify_saved
from llmadmin.console.versions.changes import blocks_of, counts_of, summary_of
from llmadmin.console.versions.leftovers import left_over
from llmadmin.console.versions.pages import number_of, page_of
from llmadmin.core.errors import DomainError, ForbiddenError
from llmadmin.core.paging import keyset_page

PAGE_SIZE = 50


@needs()
def version_list(request: HttpRequest) -> HttpResponse:
    found = ConfigVersion.objects.defer("document", "restore_state")
    page = keyset_page(found, order=["-number"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    rows = [(version, summary_of(version.changes)) for version in page.rows]
    current = current_publication()[0]
    context = {"rows": rows, "page": page, "current": current, "before": current - 1}
    return render_page(request, "versions/list.html", context)


@require_GET
@needs()
def compare_versions(request: HttpRequest) -> HttpResponse:
    """Any two: the later one's page, against the earlier one."""
    given = [number_of(request.GET.get(name, "")) for name in ("one", "other")]
    if None in given:
        notify(request, "Give the numbers of two versions, such as 3 and 12.", level=messages.WARNING)
        return redirect("versions:list")
    earlier, later = sorted(number for number in given if number is not None)
    return redirect(f"{reverse('versions:detail', args=[get_version(later, with_document=False).number])}?to={earlier}")


@needs()
def version_detail(request: HttpRequest, number: int) -> HttpResponse:
    """A version against the one before it, or against another one (`?to=`)."""
    return _detail(request, number)


def _detail(request: HttpRequest, number: int, *, refusal: Refusal | None = None) -> HttpResponse:
    version = get_version(number, with_document=False)
    other = _other(request.GET.get("to", ""), number)
    changes = diff(other, version) if request.GET.get("to") else version.changes
    page = page_of(changes, request.GET.get("page", ""))
    current = current_publication()[0]
    context = {
        "version": version,
        "other": other,
        "blocks": blocks_of(page.rows),
        "page": page,
        "counts": counts_of(changes),
        "current": current,
        "is_current": number == current,
        "numbers": range(current, max(0, current - 100), -1),
        "refusal": refusal,
    }
    return render_page(request, "versions/detail.html", context, status=409 if refusal else 200)


def _other(given: str, number: int) -> ConfigVersion:
    wanted = number_of(given)
    wanted = number - 1 if wanted is None else wanted
    return get_version(wanted, with_document=False) if wanted > 0 else nothing_published()


@require_http_methods(["GET", "POST"])
@needs(CONFIG_EDIT)
def restore_version(request: HttpRequest, number: int) -> HttpResponse:
    """First what going back would change and what of it would not work, then the act."""
    if request.method == "GET":
        return _restore_page(request, number)
    return _go_back(request, number, page=number, what=f"Version {number} restored")


def _restore_page(request: HttpRequest, number: int) -> HttpResponse:
    version = get_version(number, with_document=False)
    refusal = None
    try:
        made = rehearse_rollback(number, by=actor_of_request(request))
    except ForbiddenError:
        raise
    except DomainError as problem:
        made, refusal = None, Refusal(problem.message, [])
    changes = made.changes if made else []
    page = page_of(changes, request.GET.get("page", ""))
    context = {
        "version": version,
        "current": current_publication()[0],
        "blocks": blocks_of(page.rows),
        "page": page,
        "counts": counts_of(changes),
        "warnings": made.warnings if made else [],
        "refusal": refusal,
    }
    return render_page(request, "versions/restore.html", context, status=409 if refusal else 200)


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
