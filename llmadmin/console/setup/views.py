"""The set-up: whoever can read the server's output makes the first owner."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from llmadmin.accounts import first_owner
from llmadmin.accounts.actors import ip_of
from llmadmin.console.setup.forms import SetupForm
from llmadmin.core.errors import DomainError, ForbiddenError


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    if not first_owner.is_needed():
        return redirect("overview")
    form = SetupForm(request.POST or None, initial={"token": request.GET.get("token", "")[:200]})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            owner = first_owner.create_first_owner(
                given["token"], given["email"], given["password"], ip_address=ip_of(request)
            )
        except ForbiddenError as problem:
            form.add_error("token", problem.message)
        except DomainError as problem:
            form.add_domain_error(problem)
        else:
            login(request, owner, backend="llmadmin.accounts.backends.PersonBackend")
            return redirect("overview")
    return render(request, "setup/page.html", {"form": form}, status=422 if form.errors else 200)
