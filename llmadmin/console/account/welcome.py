"""Accepting an invitation: the link's secret leaves the address bar at once, then the guest chooses a password."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from llmadmin.accounts import invitations
from llmadmin.accounts.actors import ip_of
from llmadmin.accounts.models import Role, SignInWays
from llmadmin.accounts.oidc import PROVIDER_ID
from llmadmin.accounts.sign_in_rules import sign_in_rules
from llmadmin.console.account.forms import AcceptForm
from llmadmin.core.errors import DomainError, MissingError

_KEPT_AS = "invitation"


@never_cache
@require_GET
def follow_link(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the secret in the session, so that neither history nor a `Referer` carries it further."""
    request.session[_KEPT_AS] = token
    return redirect("invitation")


@never_cache
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    token = str(request.session.get(_KEPT_AS, ""))
    try:
        invitation = invitations.find_invitation(token)
    except MissingError as problem:
        return render(request, "people/invitation_gone.html", {"sentence": problem.message}, status=404)
    is_sso_only = bool(settings.OIDC and sign_in_rules().ways == SignInWays.SSO and invitation.role != Role.OWNER)
    form = AcceptForm(request.POST or None)
    if request.method == "POST" and not is_sso_only and form.is_valid():
        given = form.cleaned_data
        try:
            person = invitations.accept(
                token, password=given["password"], name=given["name"], ip_address=ip_of(request)
            )
        except DomainError as problem:
            form.add_domain_error(problem)
        else:
            request.session.pop(_KEPT_AS, None)
            login(request, person, backend="llmadmin.accounts.backends.PersonBackend")
            return redirect("overview")
    context = {"form": form, "invitation": invitation, "is_sso_only": is_sso_only}
    return render(request, "people/accept.html", context, status=422 if form.errors else 200)


@require_GET
def confirm_by_sso(request: HttpRequest) -> HttpResponse:
    """Step-up for those who have neither password nor second factor here: they sign in at their provider once more."""
    if not settings.OIDC:
        return redirect("account_login")
    back = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    query = urlencode({"process": "login", "next": back, "auth_params": urlencode({"prompt": "login"})})
    return redirect(f"{reverse('openid_connect_login', args=[PROVIDER_ID])}?{query}")
