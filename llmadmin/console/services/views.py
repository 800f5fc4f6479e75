"""Pages of services: the programs that call us, what they may do, and their keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from llmadmin.accounts import selectors, services
from llmadmin.accounts.models import Service, ServiceKey
from llmadmin.accounts.permissions import SERVICES_MANAGE
from llmadmin.console.access import needs
from llmadmin.console.figures import Figures, figures_by
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import attempt, last_change, save
from llmadmin.console.services.forms import GRACE_CHOICES, SCOPE_WORDS, IssueForm, ServiceForm, values_of
from llmadmin.console.snippets import call_snippets, config_snippets
from llmadmin.core.paging import keyset_page
from llmadmin.routing.selectors import default_name

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class KeyRow:
    key: ServiceKey
    state: str

    @property
    def is_live(self) -> bool:
        return self.state in ("live", "expiring")


@dataclass(frozen=True, slots=True)
class ServiceRow:
    service: Service
    live_keys: list[KeyRow]
    last_used_at: dt.datetime | None
    week: Figures | None

    @classmethod
    def of(cls, service: Service, week: Figures | None) -> ServiceRow:
        rows = key_rows(service)
        used = [row.key.last_used_at for row in rows if row.key.last_used_at]
        return cls(service, [row for row in rows if row.is_live], max(used, default=None), week)


def key_rows(service: Service) -> list[KeyRow]:
    now = timezone.now()
    return [KeyRow(key, _state_of(key, now)) for key in service.keys.all()]


def _state_of(key: ServiceKey, now: dt.datetime) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at is None:
        return "live"
    return "expired" if key.expires_at <= now else "expiring"


@needs()
def service_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:63]
    found = selectors.services()
    if wanted:
        found = found.filter(name__icontains=wanted)
    page = keyset_page(found, order=["name"], cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    week = figures_by("service", days=7)
    rows = [ServiceRow.of(service, week.get(service.name)) for service in page.rows]
    return render_page(
        request, "services/list.html", {"rows": rows, "page": page, "wanted": wanted}, fragment="services"
    )


@never_cache
@needs()
def service_detail(request: HttpRequest, name: str) -> HttpResponse:
    return detail_page(request, selectors.get_service(name))


def detail_page(
    request: HttpRequest,
    service: Service,
    *,
    issued: tuple[ServiceKey, str] | None = None,
    form: IssueForm | None = None,
    refusal: object = None,
) -> HttpResponse:
    """`issued` holds a new key and its plaintext: it is on this one answer and nowhere else."""
    alias = service.aliases[0] if service.aliases else default_name() or "your-alias"
    context = {
        "service": service,
        "keys": key_rows(service),
        "scopes": [(name, *SCOPE_WORDS.get(name, (name, ""))) for name in service.scopes],
        "issued_key": issued[0] if issued else None,
        "plaintext": issued[1] if issued else "",
        "form": form or IssueForm(),
        "grace_choices": GRACE_CHOICES,
        "refusal": refusal,
        "snippets": call_snippets(request, alias) if "gateway:call" in service.scopes else config_snippets(request),
        "week": figures_by("service", days=7).get(service.name),
    }
    return render_page(
        request, "services/detail.html", context, status=422 if form and form.errors else 409 if refusal else 200
    )


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def add_service(request: HttpRequest) -> HttpResponse:
    form = ServiceForm(request.POST or None, initial={"scopes": ["gateway:call"]})
    if request.method == "POST" and form.is_valid():
        service = save(
            request,
            form,
            lambda: services.create_service(**form.values()),
            what="Service saved",
            permission=SERVICES_MANAGE,
        )
        if service:
            return redirect("services:detail", service.name)
    return _form_page(request, form)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def edit_service(request: HttpRequest, name: str) -> HttpResponse:
    service = selectors.get_service(name)
    form = ServiceForm(request.POST or None, initial=values_of(service))
    if request.method == "POST" and form.is_valid():
        given = form.values() | {"enabled": form.cleaned_data["enabled"]}
        revision = form.cleaned_data["revision"]
        saved = save(
            request,
            form,
            lambda: services.update_service(service, expected_revision=revision, **given),
            what="Service saved",
            permission=SERVICES_MANAGE,
        )
        if saved:
            return redirect("services:detail", saved.name)
    return _form_page(request, form, service=service)


def _form_page(request: HttpRequest, form: ServiceForm, *, service: Service | None = None) -> HttpResponse:
    context = {
        "form": form,
        "service": service,
        "teams": selectors.teams(),
        "theirs": last_change("service", service.name) if service and form.is_stale else None,
        "fresh_revision": service.revision if service else None,
    }
    return render_page(request, "services/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def delete_service(request: HttpRequest, name: str) -> HttpResponse:
    """Its keys are gone for good, so its name is typed to confirm."""
    service = selectors.get_service(name)
    problem, refusal = "", None
    if request.method == "POST" and request.POST.get("confirm", "").strip() != name:
        problem = f"Type {name} to confirm."
    elif request.method == "POST":
        refusal = attempt(
            request,
            lambda: services.delete_service(service),
            what=f"Service {name} deleted",
            permission=SERVICES_MANAGE,
        )
        if refusal is None:
            return redirect("services:list")
    context = {"service": service, "keys": key_rows(service), "problem": problem, "refusal": refusal}
    return render_page(request, "services/delete.html", context, status=422 if problem else 409 if refusal else 200)
