"""Page and fragment from one template: an htmx request for an element gets the partial of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render `template`; where htmx asks for the element with the id `fragment`, only the partial of that name.

    The browser's own history asks for whole pages, also when it does so through htmx.
    """
    htmx = getattr(request, "htmx", None)
    wants_fragment = bool(fragment and htmx and not htmx.history_restore_request and htmx.target == fragment)
    response = render(
        request, f"{template}#{fragment}" if wants_fragment else template, dict(context or {}), status=status
    )
    if fragment:
        patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response
