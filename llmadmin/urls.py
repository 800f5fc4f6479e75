"""Every address: the console for people, REST for programs, sign-in. The gateway's `/v1/` stands beside Django, in asgi.py."""

from __future__ import annotations

from pathlib import Path

from django.urls import URLPattern, URLResolver, include, path

from llmadmin.console.search import search

handler403 = "llmadmin.console.refusals.forbidden"
handler404 = "llmadmin.console.refusals.not_found"
handler500 = "llmadmin.console.refusals.broken"


def _if_there(route: str, module: str) -> list[URLPattern | URLResolver]:
    file = Path(__file__).parent.parent / f"{module.replace('.', '/')}.py"
    return [path(route, include(module))] if file.exists() else []


urlpatterns = [
    path("search/", search, name="search"),
    path("setup/", include("llmadmin.console.setup.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("settings/", include("llmadmin.console.settings.urls")),
    *(
        pattern
        for noun in ("providers", "keys", "models", "aliases", "agents", "services", "versions", "audit")
        for pattern in _if_there(f"{noun}/", f"llmadmin.console.{noun}.urls")
    ),
    *(
        pattern
        for noun in ("playground", "requests", "costs", "errors")
        for pattern in _if_there(f"{noun}/", f"llmadmin.console.{noun}.urls")
    ),
    *_if_there("", "llmadmin.console.overview.urls"),
    *_if_there("api/", "llmadmin.api.urls"),
]
