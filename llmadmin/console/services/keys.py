"""Keys of services: issued, rotated with a grace period, revoked. The plaintext is on the answer to the POST and nowhere else."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from llmadmin.accounts import selectors, services
from llmadmin.accounts.models import ServiceKey
from llmadmin.accounts.permissions import SERVICES_MANAGE
from llmadmin.console.access import needs
from llmadmin.console.saving import attempt, save
from llmadmin.console.services.forms import GRACE_CHOICES, IssueForm
from llmadmin.console.services.views import detail_page
from llmadmin.core.errors import MissingError


@never_cache
@require_POST
@needs(SERVICES_MANAGE)
def issue(request: HttpRequest, name: str) -> HttpResponse:
    service = selectors.get_service(name)
    form = IssueForm(request.POST)
    issued = None
    if form.is_valid():
        given = form.cleaned_data
        issued = save(
            request,
            form,
            lambda: services.issue_key(service, label=given["label"], expires_at=given["expires_at"]),
            what="Service key issued",
            permission=SERVICES_MANAGE,
        )
    return detail_page(request, selectors.get_service(name), issued=issued, form=None if issued else form)


@never_cache
@require_POST
@needs(SERVICES_MANAGE)
def rotate(request: HttpRequest, name: str, key_id: UUID) -> HttpResponse:
    key = _key_of(name, key_id)
    given = request.POST.get("grace_s", "")
    grace_s = int(given) if given in dict(GRACE_CHOICES) else 86400
    made: list[tuple[ServiceKey, str]] = []
    refusal = attempt(
        request,
        lambda: made.append(services.rotate_service_key(key, grace_s=grace_s)),
        what="New service key issued",
        permission=SERVICES_MANAGE,
    )
    return detail_page(
        request, selectors.get_service(name), issued=made[0] if made and not refusal else None, refusal=refusal
    )


@require_POST
@needs(SERVICES_MANAGE)
def revoke(request: HttpRequest, name: str, key_id: UUID) -> HttpResponse:
    key = _key_of(name, key_id)
    refusal = attempt(
        request, lambda: services.revoke_key(key), what=f"Key …{key.last4} revoked", permission=SERVICES_MANAGE
    )
    return detail_page(request, key.service, refusal=refusal) if refusal else redirect("services:detail", name)


def _key_of(name: str, key_id: UUID) -> ServiceKey:
    key = selectors.get_service_key(key_id)
    if key.service.name != name:
        raise MissingError("There is no such service key.")
    return key
