"""The pages for what can't be shown: not allowed, not found, broken. Each says a sentence and carries an id."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from llmadmin.core import request_id


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    return render(request, "403.html", {"sentence": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    """Our own views raise Http404 with a sentence; the URL resolver's argument is no sentence."""
    argument = exception.args[0] if exception.args else ""
    return render(request, "404.html", {"sentence": argument if isinstance(argument, str) else ""}, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", {"request_id": request_id.current()}, status=500)
