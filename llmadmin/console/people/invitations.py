"""Invitations: made, renewed, withdrawn. The link goes out by mail, or stands on the answer to the POST and nowhere else."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts import invitations, selectors
from llmadmin.accounts.models import Invitation, Role
from llmadmin.accounts.permissions import PEOPLE_MANAGE
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.people.forms import InviteForm
from llmadmin.console.saving import attempt, save
from llmadmin.console.toasts import notify

log = structlog.get_logger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
@needs(PEOPLE_MANAGE)
def invite(request: HttpRequest) -> HttpResponse:
    acting: Any = request.user
    form = InviteForm(request.POST or None, may_make_owners=acting.role == Role.OWNER)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = save(
            request,
            form,
            lambda: invitations.invite(given["email"], given["role"]),
            what=f"Invited {given['email']}",
            permission=PEOPLE_MANAGE,
        )
        if made:
            return _sent(request, *made)
    return render_page(request, "people/invite.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_POST
@needs(PEOPLE_MANAGE)
def renew(request: HttpRequest, invitation_id: int) -> HttpResponse:
    invitation = selectors.get_invitation(invitation_id)
    made: list[tuple[Invitation, str]] = []
    refusal = attempt(
        request,
        lambda: made.append(invitations.renew(invitation)),
        what=f"New link for {invitation.email}",
        permission=PEOPLE_MANAGE,
    )
    if refusal or not made:
        notify(request, refusal.message if refusal else "Nothing was changed.")
        return redirect("people:list")
    return _sent(request, *made[0])


@require_POST
@needs(PEOPLE_MANAGE)
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    invitation = selectors.get_invitation(invitation_id)
    refusal = attempt(
        request,
        lambda: invitations.withdraw(invitation),
        what=f"Invitation of {invitation.email} withdrawn",
        permission=PEOPLE_MANAGE,
    )
    if refusal:
        notify(request, refusal.message)
    return redirect("people:list")


def _sent(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """Mail the link; where no mail is set up, or it fails, show it this once."""
    path = reverse("invitation_link", args=[token])
    link = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
    was_mailed = settings.MAIL_IS_SENT and _mail(request, invitation, link)
    if was_mailed:
        notify(request, f"The invitation is on its way to {invitation.email}.")
        return redirect("people:list")
    context = {"invitation": invitation, "link": link, "mail_failed": settings.MAIL_IS_SENT}
    return render_page(request, "people/invited.html", context)


def _mail(request: HttpRequest, invitation: Invitation, link: str) -> bool:
    acting: Any = request.user
    text = render_to_string(
        "people/invitation.txt", {"link": link, "inviter": acting.label, "expires_at": invitation.expires_at}
    )
    try:
        return bool(send_mail("You are invited to llmadmin", text, None, [invitation.email]))
    except (SMTPException, OSError) as problem:
        log.warning("an invitation could not be mailed", problem=str(problem)[:300])
        return False
