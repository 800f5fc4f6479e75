"""How everyone signs in: who needs a second factor, and whether single sign-on is the only way."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from llmadmin.accounts import selectors
from llmadmin.accounts.oidc import PROVIDER_ID
from llmadmin.accounts.permissions import PEOPLE_MANAGE
from llmadmin.accounts.sign_in_rules import sign_in_rules, update_sign_in_rules
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.people.forms import RulesForm
from llmadmin.console.saving import save


@require_http_methods(["GET", "POST"])
@needs(PEOPLE_MANAGE)
def page(request: HttpRequest) -> HttpResponse:
    rules = sign_in_rules()
    known = {name: getattr(rules, name) for name in ("second_factor", "ways", "revision")}
    form = RulesForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        saved = save(
            request,
            form,
            lambda: update_sign_in_rules(
                expected_revision=given["revision"], second_factor=given["second_factor"], ways=given["ways"]
            ),
            what="Sign-in rules saved",
            permission=PEOPLE_MANAGE,
        )
        if saved:
            return redirect("people:rules")
    callback = reverse("openid_connect_callback", args=[PROVIDER_ID])
    people = list(selectors.people().filter(is_active=True))
    context = {
        "form": form,
        "fresh_revision": rules.revision,
        "oidc": settings.OIDC,
        "callback": f"{settings.PUBLIC_URL}{callback}" if settings.PUBLIC_URL else request.build_absolute_uri(callback),
        "without_factor": [person for person in people if not person.has_second_factor],  # type: ignore[attr-defined]
        "people_count": len(people),
    }
    return render_page(request, "people/rules.html", context, status=422 if form.errors else 200)
