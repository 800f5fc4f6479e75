"""Every address: the console for people, REST for programs, sign-in. The gateway's `/v1/` stands beside Django, in asgi.py."""

from __future__ import annotations

from django.urls import include, path

from llmadmin.console.search import search

handler403 = "llmadmin.console.refusals.forbidden"
handler404 = "llmadmin.console.refusals.not_found"
handler500 = "llmadmin.console.refusals.broken"

_RUN = ("playground", "requests")
_CONFIGURE = ("providers", "keys", "models", "aliases", "agents", "services", "impact")
_WATCH = ("costs", "errors", "switches")
_HISTORY = ("versions", "audit")

urlpatterns = [
    path("", include("llmadmin.console.overview.urls")),
    path("search/", search, name="search"),
    *(
        path(f"{noun}/", include(f"llmadmin.console.{noun}.urls"))
        for noun in (*_RUN, *_CONFIGURE, *_WATCH, *_HISTORY, "webhooks", "settings", "setup")
    ),
    path("account/", include("llmadmin.console.account.urls")),
    path("people/", include("llmadmin.console.people.urls")),
    path("teams/", include("llmadmin.console.teams.urls")),
    path("accounts/", include("llmadmin.console.account.entrance")),
    path("accounts/", include("llmadmin.accounts.urls")),
    path("api/", include("llmadmin.api.urls")),
]
