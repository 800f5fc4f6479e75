"""Taking objects over from the config file that brought them, and giving them back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import CONFIG_EDIT
from llmadmin.config import ownership
from llmadmin.console.access import needs
from llmadmin.console.saving import why_of
from llmadmin.console.toasts import notify, notify_saved
from llmadmin.console.versions.words import spoken
from llmadmin.core.errors import ConflictError


@require_POST
@needs(CONFIG_EDIT)
def set_owner(request: HttpRequest) -> HttpResponse:
    noun, name, owner = (request.POST.get(field, "") for field in ("object", "name", "owner"))
    try:
        made = ownership.set_owner(noun, name, owner, by=actor_of_request(request), why=why_of(request))
    except ConflictError as problem:
        notify(request, problem.message, level=messages.WARNING)
    else:
        done = "taken over" if owner == ownership.PEOPLE else "given back"
        what = spoken(noun, name)
        notify_saved(request, made, what=f"{what[0].upper()}{what[1:]} {done}")
    return redirect(_next(request))


@require_POST
@needs(CONFIG_EDIT)
def take_everything(request: HttpRequest) -> HttpResponse:
    made = ownership.take_all_over(by=actor_of_request(request), why=why_of(request))
    notify_saved(request, made, what="Everything taken over from the config file")
    return redirect("settings:transfer")


def _next(request: HttpRequest) -> str:
    """The page that the button stood on, if it is one of ours."""
    page = request.POST.get("next", "")
    is_ours = page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    return page if is_ours else "/"
