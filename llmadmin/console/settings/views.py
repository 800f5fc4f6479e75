"""Settings: the reader's profile, the state of the installation."""

from __future__ import annotations

import platform
import zoneinfo
from importlib.metadata import PackageNotFoundError, version

import django
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from llmadmin.accounts.models import User
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.settings.forms import THEMES, ProfileForm
from llmadmin.console.toasts import notify
from llmadmin.core.keyring import KeyRing
from llmadmin.vault.models import ApiKey


@require_http_methods(["GET", "POST"])
@needs()
def page(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    form = ProfileForm(
        request.POST or None, initial={name: getattr(user, name) for name in ("name", "time_zone", "theme")}
    )
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=user.pk).update(**form.cleaned_data)
        notify(request, "Profile saved.")
        return redirect("settings:page")
    context = {
        "form": form,
        "zones": sorted(zoneinfo.available_timezones()),
        "encryption": encryption_status(),
        "about": about(),
    }
    return render_page(request, "settings/page.html", context, status=422 if form.errors else 200)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the reader's choice; anyone signed in has one."""
    choice = request.POST.get("theme", "")
    if choice not in dict(THEMES):
        return HttpResponse("Choose system, light or dark.", status=400)
    User.objects.filter(pk=current_user(request).pk).update(theme=choice)
    return HttpResponse(status=204)


def current_user(request: HttpRequest) -> User:
    """Whoever is signed in; the middleware lets no one else come this far."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied("Sign in first.")
    return user


def encryption_status() -> dict[str, object]:
    """How many stored keys are on the current encryption key, by the id that each row carries; nothing is decrypted."""
    ring = KeyRing.from_settings()
    total = ApiKey.objects.count()
    current = ApiKey.objects.filter(encryption_key_id=ring.current_key_id).count()
    return {"key_id": ring.current_key_id, "total": total, "current": current, "old": total - current}


def about() -> list[tuple[str, str]]:
    try:
        number = version("llmadmin")
    except PackageNotFoundError:
        number = "from a checkout"
    database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(connection.vendor, connection.vendor)
    return [
        ("llmadmin", number),
        ("Mode", settings.ENVIRONMENT),
        ("Database", database),
        ("Queue and cache", "Redis" if settings.REDIS_URL else "in this process"),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
    ]
