"""Pages of switches: what is stopped now, stopping something, and letting it run again."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import TRAFFIC_SWITCH
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import why_of
from llmadmin.console.switches.forms import StopForm
from llmadmin.console.toasts import notify
from llmadmin.core.errors import ConflictError, DomainError, ForbiddenError, MissingError
from llmadmin.core.paging import keyset_page
from llmadmin.limits import selectors, services
from llmadmin.limits.models import Scope, Stop

PAGE_SIZE = 50
MAX_SHOWN = 200


@needs()
def switch_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of_request(request)
    shown = [(stop, services.may_lift(actor, stop)) for stop in selectors.stops_in_force()[:MAX_SHOWN]]
    page = keyset_page(
        selectors.lifted_stops(), order=["-stopped_at", "-id"], cursor=request.GET.get("cursor"), size=PAGE_SIZE
    )
    is_all_stopped = any(stop.scope == Scope.EVERYTHING for stop, _ in shown)
    context = {"stops": shown, "history": page.rows, "page": page, "is_all_stopped": is_all_stopped}
    return render_page(request, "switches/list.html", context, fragment="history")


@require_http_methods(["GET", "POST"])
@needs(TRAFFIC_SWITCH)
def stop(request: HttpRequest) -> HttpResponse:
    """Stop what the query names: `?scope=provider&target=openai`."""
    scope, target = request.GET.get("scope", ""), request.GET.get("target", "")
    if scope not in Scope.values:
        raise MissingError("This page stops a provider, an API key, a service or everything. Open one of their pages.")
    target, label = services.named(scope, target)
    held = selectors.find_stop(scope, target)
    if held is not None:
        notify(request, f"{held.label} is stopped already, by {held.stopped_by}.", level=messages.INFO)
        return redirect("switches:list")
    actor = actor_of_request(request)
    form = StopForm(request.POST or None, by=actor)
    if request.method == "POST" and form.is_valid():
        try:
            services.stop_traffic(scope, request.GET.get("target", ""), by=actor, **form.cleaned_data)
        except ForbiddenError:
            raise
        except DomainError as problem:
            form.add_domain_error(problem)
        else:
            notify(request, f"{label} stopped. Every server obeys within a second.", level=messages.WARNING)
            return redirect("switches:list")
    context = {"form": form, "scope": scope, "label": label}
    return render_page(request, "switches/stop.html", context, status=422 if form.errors else 200)


@require_http_methods(["POST"])
@needs(TRAFFIC_SWITCH)
def restart(request: HttpRequest, stop_id: uuid.UUID) -> HttpResponse:
    found: Stop = selectors.get_stop(stop_id)
    try:
        services.lift_stop(found, by=actor_of_request(request), why=why_of(request))
    except ConflictError as problem:
        notify(request, problem.message, level=messages.INFO)
    else:
        notify(request, f"{found.label} runs again.")
    return redirect("switches:list")
