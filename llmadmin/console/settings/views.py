"""Settings: the reader's own profile and theme."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from llmadmin.accounts.models import User
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page

THEMES = ("system", "light", "dark")


@needs()
def page(request: HttpRequest) -> HttpResponse:
    return render_page(request, "settings/page.html")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the reader's choice; anyone signed in has one."""
    choice = request.POST.get("theme", "")
    if choice not in THEMES:
        return HttpResponse("Choose system, light or dark.", status=400)
    User.objects.filter(pk=request.user.pk).update(theme=choice)
    return HttpResponse(status=204)
