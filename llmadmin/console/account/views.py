"""Your account: what signs you in, where you are signed in, and your own keys."""

from __future__ import annotations

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from llmadmin.accounts import personal_keys, selectors
from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.models import ServiceKey, User
from llmadmin.accounts.permissions import OWN_KEYS, may
from llmadmin.accounts.sessions import end_sessions as end_all
from llmadmin.audit.services import note_now
from llmadmin.console.access import needs
from llmadmin.console.account.forms import OwnKeyForm
from llmadmin.console.htmx import render_page
from llmadmin.console.saving import attempt, save
from llmadmin.console.services.views import key_rows
from llmadmin.console.settings.views import current_user
from llmadmin.console.snippets import call_snippets
from llmadmin.console.toasts import notify
from llmadmin.core.errors import MissingError
from llmadmin.routing.selectors import default_name


@never_cache
@needs()
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: HttpRequest, *, form: OwnKeyForm | None = None, issued: tuple[ServiceKey, str] | None = None
) -> HttpResponse:
    person = current_user(request)
    service = getattr(person, "personal_service", None)
    kinds = list(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    context = {
        "person": person,
        "sessions": list(selectors.sessions_of(person)),
        "this_session": request.session.session_key,
        "has_app": "totp" in kinds,
        "passkey_count": kinds.count("webauthn"),
        "has_codes": "recovery_codes" in kinds,
        "may_hold_keys": may(actor_of_request(request), OWN_KEYS),
        "service": service,
        "keys": key_rows(service) if service else [],
        "form": form or OwnKeyForm(),
        "issued_key": issued[0] if issued else None,
        "plaintext": issued[1] if issued else "",
        "snippets": call_snippets(request, default_name() or "your-alias") if issued else [],
    }
    return render_page(request, "profile/page.html", context, status=422 if form and form.errors else 200)


@never_cache
@require_POST
@needs(OWN_KEYS)
def issue_key(request: HttpRequest) -> HttpResponse:
    person = current_user(request)
    form = OwnKeyForm(request.POST)
    issued = None
    if form.is_valid():
        given = form.cleaned_data
        issued = save(
            request,
            form,
            lambda: personal_keys.issue_own_key(person, label=given["label"], days=given["days"]),
            what="Your key is issued",
            permission=OWN_KEYS,
        )
    return _page(request, form=None if issued else form, issued=issued)


@require_POST
@needs(OWN_KEYS)
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    person = current_user(request)
    refusal = attempt(
        request, lambda: personal_keys.revoke_own_key(person, key_id), what="Key revoked", permission=OWN_KEYS
    )
    if refusal:
        raise MissingError(refusal.message)
    return redirect("account:page")


@require_POST
@needs()
def end_session(request: HttpRequest) -> HttpResponse:
    """One of the reader's other browsers; its key stays on the server, so the page names it by its place in time."""
    person = current_user(request)
    began = request.POST.get("began", "")
    theirs = [one for one in selectors.sessions_of(person) if one.began_at.isoformat() == began]
    if not theirs:
        raise MissingError("This session has ended already.")
    for one in theirs:
        one.delete()
    _note_end(request, person, len(theirs))
    notify(request, "That browser is signed out.")
    return redirect("account:page")


@require_POST
@needs()
def end_others(request: HttpRequest) -> HttpResponse:
    person = current_user(request)
    ended = end_all(person, but=request.session.session_key)
    if ended:
        _note_end(request, person, ended)
    notify(request, "Signed out everywhere else." if ended else "You are signed in nowhere else.")
    return redirect("account:page")


def _note_end(request: HttpRequest, person: User, ended: int) -> None:
    note_now(actor_of_request(request), "end", "session", person.email, after={"sessions_ended": ended})
