"""Pages of webhooks: where they go, what became of each message, and the secret, shown when it is made."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import SERVICES_MANAGE
from llmadmin.alerts import selectors, services
from llmadmin.alerts.models import DeliveryState, Webhook
from llmadmin.console.access import needs
from llmadmin.console.forms import ConsoleForm
from llmadmin.console.htmx import render_page
from llmadmin.console.toasts import notify
from llmadmin.console.webhooks.forms import EditWebhookForm, WebhookForm
from llmadmin.core.errors import DomainError, ForbiddenError
from llmadmin.core.paging import keyset_page

PAGE_SIZE = 50
Result = TypeVar("Result")


@needs(SERVICES_MANAGE)
def webhook_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "webhooks/list.html", {"hooks": selectors.webhooks()[:200]})


@never_cache
@needs(SERVICES_MANAGE)
def webhook_detail(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    return _detail_page(request, selectors.get_webhook(webhook_id))


def _detail_page(request: HttpRequest, hook: Webhook, *, secret: str = "") -> HttpResponse:
    """`secret` is on this one answer and nowhere else."""
    page = keyset_page(
        selectors.deliveries(hook), order=["-created_at", "-id"], cursor=request.GET.get("cursor"), size=PAGE_SIZE
    )
    context = {"hook": hook, "page": page, "deliveries": page.rows, "secret": secret}
    return render_page(request, "webhooks/detail.html", context, fragment="messages")


@never_cache
@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def add_webhook(request: HttpRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by = actor_of_request(request)
        made = _saved(form, lambda: services.create_webhook(by=by, **form.cleaned_data))
        if made:
            return _detail_page(request, made[0], secret=made[1])
    return render_page(request, "webhooks/form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def edit_webhook(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    hook = selectors.get_webhook(webhook_id)
    name = hook.label
    form = EditWebhookForm(
        request.POST or None, initial={"label": hook.label, "url": hook.url, "enabled": hook.enabled}
    )
    if request.method == "POST" and form.is_valid():
        by = actor_of_request(request)
        if _saved(form, lambda: services.update_webhook(hook, by=by, **form.cleaned_data)):
            notify(request, "Webhook saved.")
            return redirect("webhooks:detail", hook.pk)
    context = {"form": form, "hook": hook, "name": name}
    return render_page(request, "webhooks/form.html", context, status=422 if form.errors else 200)


@require_POST
@needs(SERVICES_MANAGE)
def test_webhook(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    delivery = services.send_test(selectors.get_webhook(webhook_id), by=actor_of_request(request))
    if delivery.state == DeliveryState.DELIVERED:
        notify(request, f"The test was taken with status {delivery.status}.")
    else:
        said = f"It answered {delivery.status}." if delivery.status else delivery.answer
        notify(request, f"The test was not taken. {said}", level=messages.WARNING)
    return redirect("webhooks:detail", webhook_id)


@never_cache
@require_POST
@needs(SERVICES_MANAGE)
def renew_secret(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    hook = selectors.get_webhook(webhook_id)
    secret = services.renew_secret(hook, by=actor_of_request(request))
    return _detail_page(request, hook, secret=secret)


@require_http_methods(["GET", "POST"])
@needs(SERVICES_MANAGE)
def delete_webhook(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    hook = selectors.get_webhook(webhook_id)
    if request.method == "POST":
        services.delete_webhook(hook, by=actor_of_request(request))
        notify(request, f"Webhook {hook.label} deleted.")
        return redirect("webhooks:list")
    return render_page(request, "webhooks/delete.html", {"hook": hook})


@require_POST
@needs(SERVICES_MANAGE)
def redeliver(request: HttpRequest, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> HttpResponse:
    hook = selectors.get_webhook(webhook_id)
    services.redeliver(selectors.get_delivery(hook, delivery_id), by=actor_of_request(request))
    notify(request, "The message goes out again within seconds.")
    return redirect("webhooks:detail", webhook_id)


def _saved(form: ConsoleForm, act: Callable[[], Result]) -> Result | None:
    """What `act` made; None where it was refused, and the form then says why."""
    try:
        return act()
    except ForbiddenError:
        raise
    except DomainError as problem:
        form.add_domain_error(problem)
        return None
