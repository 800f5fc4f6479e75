"""Configuration as a file: download what is there, upload what should be, see the difference first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_EDIT, require
from llmadmin.config.exporting import export_yaml
from llmadmin.config.importing import ApplyResult, apply_document
from llmadmin.config.selectors import current_publication
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import why_of
from llmadmin.console.settings.forms import ImportForm
from llmadmin.console.toasts import notify
from llmadmin.console.versions.changes import blocks_of, counts_of
from llmadmin.core.errors import DomainError, ForbiddenError


@require_http_methods(["GET", "POST"])
@needs()
def page(request: HttpRequest) -> HttpResponse:
    """Upload, preview, apply: the first POST only plans, the one with `apply` writes."""
    if request.method == "GET":
        return render_page(request, "settings/transfer.html", {"form": ImportForm()})
    require(actor_of_request(request), CONFIG_EDIT)
    form = ImportForm(request.POST, request.FILES)
    is_real = bool(request.POST.get("apply"))
    result = _apply(request, form, is_real=is_real) if form.is_valid() else None
    if result and is_real:
        notify(
            request,
            f"Import applied as v{result.version}." if result.changed else "The file says what is there already.",
        )
        return redirect("versions:detail", result.version) if result.changed else redirect("settings:transfer")
    blocks = blocks_of(result.changes) if result else []
    context = {
        "form": form,
        "result": result,
        "blocks": blocks,
        "counts": counts_of(blocks),
        "text": form.cleaned_data.get("text", ""),
    }
    return render_page(request, "settings/transfer.html", context, status=422 if form.errors else 200)


def _apply(request: HttpRequest, form: ImportForm, *, is_real: bool) -> ApplyResult | None:
    try:
        return apply_document(
            form.cleaned_data["text"],
            by=actor_of_request(request),
            why=why_of(request) or "Imported a file",
            dry_run=not is_real,
        )
    except ForbiddenError:
        raise
    except DomainError as problem:
        form.add_domain_error(problem)
        return None


@require_GET
@needs()
def export(request: HttpRequest) -> HttpResponse:
    """The configuration as it is, without any key."""
    name = f"llm_config-v{current_publication()[0]}.yaml"
    return HttpResponse(
        export_yaml(),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
