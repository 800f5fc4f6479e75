"""Configuration as a file: download what is there, upload what should be, see the difference first."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_EDIT, SERVICES_MANAGE, may, require
from llmadmin.config.exporting import export_with_secrets, export_yaml
from llmadmin.config.importing import ApplyResult, apply_document
from llmadmin.config.ownership import applied_file, owned_by_file
from llmadmin.config.reading.documents import read_text
from llmadmin.config.selectors import current_publication
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import why_of
from llmadmin.console.settings.forms import ImportForm, SealForm
from llmadmin.console.toasts import notify
from llmadmin.console.versions.changes import blocks_of, counts_of
from llmadmin.console.versions.pages import SIZE
from llmadmin.core.errors import DomainError, ForbiddenError


@require_http_methods(["GET", "POST"])
@needs()
def page(request: HttpRequest) -> HttpResponse:
    """Upload, preview, apply: the first POST only plans, the one with `apply` writes."""
    if request.method == "GET":
        return _page(request, form=ImportForm())
    require(actor_of_request(request), CONFIG_EDIT)
    form = ImportForm(request.POST, request.FILES)
    is_real = bool(request.POST.get("apply"))
    result = _apply(request, form, is_real=is_real) if form.is_valid() else None
    if result and is_real:
        _say(request, result)
        return redirect("versions:detail", result.version) if result.changed else redirect("settings:transfer")
    return _page(request, form=form, result=result)


def _page(
    request: HttpRequest, *, form: ImportForm, result: ApplyResult | None = None, seal: SealForm | None = None
) -> HttpResponse:
    changes = result.changes if result else []
    context = {
        "form": form,
        "seal_form": seal or SealForm(),
        "may_seal": may(actor_of_request(request), SERVICES_MANAGE),
        "file": applied_file(),
        "owned": owned_by_file() if result is None else {},
        "result": result,
        "blocks": blocks_of(changes[:SIZE]),
        "hidden_changes": max(0, len(changes) - SIZE),
        "counts": counts_of(changes),
        "text": form.cleaned_data["text"] if result else "",
        "given": form.cleaned_data if result else {},
    }
    failed = form.errors or (seal and seal.errors)
    return render_page(request, "settings/transfer.html", context, status=422 if failed else 200)


def _apply(request: HttpRequest, form: ImportForm, *, is_real: bool) -> ApplyResult | None:
    given = form.cleaned_data
    try:
        reading = read_text(given["text"], name=given["name"], passphrase=given["passphrase"])
        return apply_document(
            reading,
            by=actor_of_request(request),
            why=why_of(request) or f"Imported {reading.name}",
            dry_run=not is_real,
            owns=not given["once"],
        )
    except ForbiddenError:
        raise
    except DomainError as problem:
        form.add_domain_error(problem)
        return None


def _say(request: HttpRequest, result: ApplyResult) -> None:
    if not result.changed:
        notify(request, "The file says what is there already.")
        return
    count = len(result.warnings)
    if count:
        more = f" {count} warning{'s were' if count > 1 else ' was'} shown before."
        notify(request, f"Import applied as v{result.version}.{more}", level=messages.WARNING)
    else:
        notify(request, f"Import applied as v{result.version}.")


@require_GET
@needs()
def export(request: HttpRequest) -> HttpResponse:
    """The configuration as it is, without any key."""
    return _download(export_yaml(), name=f"llm_config-v{current_publication()[0]}.yaml")


@require_POST
@needs(SERVICES_MANAGE)
def export_sealed(request: HttpRequest) -> HttpResponse:
    """The same with its API keys, sealed by a passphrase that only the reader knows."""
    form = SealForm(request.POST)
    if form.is_valid():
        try:
            text, _ = export_with_secrets(form.cleaned_data["passphrase"], by=actor_of_request(request))
        except ForbiddenError:
            raise
        except DomainError as problem:
            form.add_domain_error(problem)
        else:
            return _download(text, name=f"llm_config-v{current_publication()[0]}-with-keys.yaml")
    return _page(request, form=ImportForm(), seal=form)


def _download(text: str, *, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
