"""The encryption key: how many API keys stand on which, those that nobody can read, and moving them on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from llmadmin.accounts.actors import actor_of_request
from llmadmin.accounts.permissions import SECRETS_WRITE
from llmadmin.console.access import needs
from llmadmin.console.htmx import render_page
from llmadmin.console.toasts import notify
from llmadmin.core import sealed
from llmadmin.core.keyring import KeyRing
from llmadmin.vault.reencryption import begin, last_walk, standings
from llmadmin.vault.tasks import walk_reencryption


@require_GET
@needs()
def page(request: HttpRequest) -> HttpResponse:
    """The counts are of the ids that rows carry; what can't be read is known from the last walk over them."""
    found = standings()
    run = last_walk()
    context = {
        "standings": found,
        "total": sum(one.rows for one in found),
        "on_old": sum(one.rows for one in found if one.is_held and not one.is_current),
        "not_held": sum(one.rows for one in found if not one.is_held),
        "elsewhere": sealed.elsewhere(),
        "run": run,
        "is_current_run": run is not None and run.encryption_key_id == KeyRing.from_settings().current_key_id,
    }
    return render_page(request, "settings/encryption.html", context, fragment="walk")


@require_POST
@needs(SECRETS_WRITE)
def start(request: HttpRequest) -> HttpResponse:
    """Begin a walk in the background, or go on with the one that is under way."""
    is_dry_run = bool(request.POST.get("dry_run"))
    run = begin(by=actor_of_request(request).label, is_dry_run=is_dry_run)
    walk_reencryption.delay(str(run.pk))
    notify(request, "Looking at every API key." if is_dry_run else "Re-encryption has begun.")
    return redirect("settings:encryption")
